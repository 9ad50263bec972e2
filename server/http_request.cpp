#include "server/http_request.h"

#include <algorithm>

#include "server/ascii.h"

namespace server {
namespace {

constexpr int kBadRequest = 400;
constexpr int kVersionNotSupported = 505;

/// What the fields say that matters here.
struct Fields {
    int hosts = 0;
    bool close = false;
    bool keep_alive = false;
    bool body = false;
};

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// RFC 9110 §5.6.2
bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return is_alphanumeric(c) || kMarks.find(c) != kMarks.npos;
    });
}

/// Visible characters, and octets above 127; in values blanks and tabs as well (RFC 9110 §5.5).
bool is_visible(char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
}
bool is_in_value(char c) {
    return is_visible(c) || c == ' ' || c == '\t';
}

bool same_word(std::string_view text, std::string_view lower) {
    const auto lowered = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(text, lower, {}, lowered);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t";
    const std::size_t first = std::min(text.find_first_not_of(kBlank), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

/// What is before the next `mark`, which is taken off with it.
std::string_view take_until(std::string_view& text, char mark) {
    const std::size_t end = std::min(text.find(mark), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

/// A lone LF ends a line, too (RFC 9112 §2.2).
std::string_view take_line(std::string_view& text) {
    std::string_view line = take_until(text, '\n');
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// Of empty lines before a request (RFC 9112 §2.2).
std::size_t size_of_empty_lines(std::string_view octets) {
    std::size_t size = 0;
    for (;;) {
        if (octets.substr(size).starts_with("\r\n")) {
            size += 2;
        } else if (octets.substr(size).starts_with('\n')) {
            size += 1;
        } else {
            return size;
        }
    }
}

/// Up to and with the empty line that ends a head; nullopt if there is none.
std::optional<std::size_t> size_of_head(std::string_view octets) {
    for (std::size_t line = 0;;) {
        const std::size_t end = octets.find('\n', line);
        if (end == octets.npos) {
            return std::nullopt;
        }
        if (end == line || (end == line + 1 && octets[line] == '\r')) {
            return end + 1;
        }
        line = end + 1;
    }
}

/// Of the target in origin form or absolute form (RFC 9112 §3.2); empty if it has none.
std::string_view path_of(std::string_view target) {
    constexpr std::string_view kScheme = "http://";
    if (same_word(target.substr(0, kScheme.size()), kScheme)) {
        target.remove_prefix(kScheme.size());
        target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
        if (!target.starts_with('/')) {
            return "/";
        }
    }
    return target.starts_with('/') ? target.substr(0, target.find('?')) : std::string_view();
}

/// False if the line is malformed.
bool read_field(std::string_view line, Fields& fields) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    // No blank before the colon and no folded line (RFC 9112 §5.1, §5.2): neither is a token.
    if (colon == line.size() || !is_token(line.substr(0, colon)) ||
        !std::ranges::all_of(line.substr(colon + 1), is_in_value)) {
        return false;
    }
    const std::string_view name = line.substr(0, colon);
    std::string_view value = trimmed(line.substr(colon + 1));
    if (same_word(name, "host")) {
        ++fields.hosts;
    } else if (same_word(name, "transfer-encoding")) {
        fields.body = true;
    } else if (same_word(name, "content-length")) {
        fields.body = fields.body || value != "0";
    } else if (same_word(name, "connection")) {
        while (!value.empty()) {
            const std::string_view option = trimmed(take_until(value, ','));
            fields.close = fields.close || same_word(option, "close");
            fields.keep_alive = fields.keep_alive || same_word(option, "keep-alive");
        }
    }
    return true;
}

struct RequestLine {
    HttpRequest request;
    bool version_1_0 = false;
};

tl::expected<RequestLine, int> read_request_line(std::string_view line) {
    const std::string_view method = take_until(line, ' ');
    const std::string_view target = take_until(line, ' ');
    if (!is_token(method) || target.empty() || !std::ranges::all_of(target, is_visible)) {
        return tl::unexpected(kBadRequest);
    }
    if (line.size() != 8 || !line.starts_with("HTTP/") || !is_digit(line[5]) || line[6] != '.' ||
        !is_digit(line[7])) {
        return tl::unexpected(kBadRequest);
    }
    if (line[5] != '1') {
        return tl::unexpected(kVersionNotSupported);
    }
    RequestLine read;
    read.request.method = method == "GET"    ? HttpRequest::Method::Get
                          : method == "HEAD" ? HttpRequest::Method::Head
                                             : HttpRequest::Method::Other;
    read.request.path = path_of(target);
    read.version_1_0 = line[7] == '0';
    return read;
}

}  // namespace

tl::expected<std::optional<HttpRequest>, int> read_request(std::string_view octets) {
    const std::size_t skipped = size_of_empty_lines(octets);
    octets.remove_prefix(skipped);
    const auto size = size_of_head(octets);
    if (!size) {
        return std::nullopt;
    }
    std::string_view head = octets.substr(0, *size);
    auto line = read_request_line(take_line(head));
    if (!line) {
        return tl::unexpected(line.error());
    }
    Fields fields;
    for (auto field = take_line(head); !field.empty(); field = take_line(head)) {
        if (!read_field(field, fields)) {
            return tl::unexpected(kBadRequest);
        }
    }
    // RFC 9112 §3.2: one Host, which HTTP/1.0 did not know.
    if (fields.body || fields.hosts > 1 || (fields.hosts == 0 && !line->version_1_0)) {
        return tl::unexpected(kBadRequest);
    }
    HttpRequest& request = line->request;
    request.keep_alive = !fields.close && (!line->version_1_0 || fields.keep_alive);
    request.size = skipped + *size;
    return request;
}

}  // namespace server

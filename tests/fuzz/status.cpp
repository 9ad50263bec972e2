// Requests of `status`, from the octets of a head to the reply: what cpp-httplib makes of them, and
// what we let pass. Where the octets are cut must make no difference, and no reply may lack what a
// browser has to be told, or go to who asks for another host.
// An input is an octet, the size of the pieces in which the rest comes; 0: in one.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <map>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http_request.h"
#include "server/status_head.h"
#include "server/status_http.h"
#include "tests/fuzz/target.h"

namespace fuzz {
namespace {

using server::StatusHead;

constexpr std::size_t kMostOfHead = 1024;  // so that inputs can be longer
constexpr std::string_view kHost = "keryx.example.org";
constexpr std::chrono::seconds kPatience{20};

struct Read {
    StatusHead::State state = StatusHead::State::Incomplete;
    std::string octets;

    bool operator==(const Read&) const = default;
};

Read read_head(std::string_view octets, std::size_t piece) {
    StatusHead head(kMostOfHead);
    Read read;
    for (std::size_t at = 0; at < octets.size(); at += piece) {
        // A copy of its own size, so that a read past it is seen.
        const std::string part(octets.substr(at, piece));
        read.state = head.add(part);
        require(head.octets().size() <= kMostOfHead, "more is kept than a head may have");
    }
    read.octets = head.octets();
    return read;
}

std::string lowered(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower;
}

struct ParsedReply {
    int status = 0;
    std::multimap<std::string, std::string> fields;  // names in lower case
    std::string body;
};

/// Ends the process if `text` is not one reply: a status line and fields of visible characters, and
/// the body that they announce.
ParsedReply parse_reply(std::string_view text, bool head_only) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";  // RFC 9110 §15.2.1
    if (text.starts_with(kContinue)) {
        text.remove_prefix(kContinue.size());
    }
    const std::size_t end = text.find("\r\n\r\n");
    require(end != text.npos && text.starts_with("HTTP/1.1 ") && text.size() > 13,
            "a reply without its head");
    std::string_view head = text.substr(0, end + 2);
    require(std::ranges::all_of(
                head, [](char c) { return c == '\r' || c == '\n' || (c >= ' ' && c < 127); }),
            "a reply with odd characters in its head");
    ParsedReply reply;
    reply.status = std::stoi(std::string(head.substr(9, 3)));
    for (head.remove_prefix(head.find('\n') + 1); !head.empty();) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(line.size() + 2);
        const std::size_t colon = line.find(": ");
        require(colon != line.npos && line.find('\r') == line.npos, "a reply with a bad field");
        reply.fields.emplace(lowered(line.substr(0, colon)), line.substr(colon + 2));
    }
    reply.body = text.substr(end + 4);
    require(reply.fields.count("content-length") == 1, "a reply without the length of its body");
    require(head_only
                ? reply.body.empty()
                : reply.fields.find("content-length")->second == std::to_string(reply.body.size()),
            "a body of another length than is announced");
    return reply;
}

/// What all replies tell a browser, each once.
void judge_fields(const ParsedReply& reply) {
    constexpr std::array<std::pair<const char*, std::string_view>, 7> kStrict{
        {{"content-security-policy", "default-src 'none'; "},
         {"x-content-type-options", "nosniff"},
         {"referrer-policy", "no-referrer"},
         {"cache-control", "no-store"},
         {"cross-origin-resource-policy", "same-origin"},
         {"accept-ranges", "none"},
         {"connection", "close"}}};
    for (const auto& [name, begins] : kStrict) {
        const auto [first, last] = reply.fields.equal_range(name);
        require(std::distance(first, last) == 1 && first->second.starts_with(begins),
                "a reply without what every browser is told");
    }
    for (const auto& field : reply.fields) {
        const std::string& name = field.first;
        const auto is_that = [&](const auto& strict) { return name == strict.first; };
        require(name.starts_with("content-") || name == "allow" ||
                    std::ranges::any_of(kStrict, is_that),
                "a reply with a field that nobody sets");
    }
}

/// The values of all fields of that name, read in the most lenient way.
std::vector<std::string> values_of(std::string_view head, std::string_view name) {
    std::vector<std::string> values;
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find('\n'));
        head.remove_prefix(std::min(line.size() + 1, head.size()));
        const std::size_t colon = line.find(':');
        if (colon != line.npos && lowered(line.substr(0, colon)) == name) {
            constexpr std::string_view kBlank = " \t\r";
            std::string value(line.substr(colon + 1));
            value.erase(value.find_last_not_of(kBlank) + 1);
            value.erase(0, value.find_first_not_of(kBlank));
            values.push_back(value);
        }
    }
    return values;
}

/// A name that only the owner of this machine, or who wrote the Corefile, can make lead here.
bool is_own(std::string field) {
    std::string host = field.starts_with('[') ? field.substr(1, field.find(']') - 1)
                                              : field.substr(0, field.find(':'));
    host = lowered(host);
    if (host.find(':') != host.npos) {  // an address, maybe with its zone
        host = host.substr(0, host.find('%'));
    }
    in6_addr octets{};
    return host == "localhost" || host == kHost || inet_pton(AF_INET, host.c_str(), &octets) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &octets) == 1;
}

/// The first word, without the blanks that cpp-httplib takes off.
std::string method_of(std::string_view head) {
    constexpr std::string_view kBlank = " \t";
    head.remove_prefix(std::min(head.find_first_not_of(kBlank), head.size()));
    std::string method(head.substr(0, head.find(' ')));
    method.erase(method.find_last_not_of(kBlank) + 1);
    return method;
}

server::StatusReply echo(const server::StatusRequest& request) {
    server::StatusReply reply{.body = "echo\n"};
    for (const auto& [name, value] : request.parameters) {
        reply.body += name + "=" + value + "\n";
    }
    return reply;
}

const server::StatusHttp& http() {
    static const auto* const made = [] {
        auto* const one = new server::StatusHttp({{"/", echo}, {"/api/echo", echo}});
        one->use_host(std::string(kHost));
        return one;
    }();
    return *made;
}

/// What a client reads.
template <typename Send>
std::string received(Send send) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
    require(send(ends[0]), "a reply that nobody could read in time");
    close(ends[0]);
    std::string text;
    std::array<char, 4096> octets;
    for (ssize_t size; (size = read(ends[1], octets.data(), octets.size())) > 0;) {
        text.append(octets.data(), static_cast<std::size_t>(size));
    }
    close(ends[1]);
    return text;
}

std::string answer_to(const std::string& head) {
    return received([&](int fd) { return http().answer(head, fd, kPatience); });
}

/// The reply to a complete head.
void judge_answer(const std::string& head) {
    const std::string text = answer_to(head);
    const std::string method = method_of(head);
    const bool head_only = method == "HEAD";
    const ParsedReply reply = parse_reply(text, head_only);
    judge_fields(reply);
    require(answer_to(head) == text, "the same head has another reply");
    const bool passed = reply.status == 200 || reply.status == 404;
    if (passed) {
        const auto hosts = values_of(head, "host");
        require(hosts.size() == 1 && is_own(hosts.front()), "who asks for another host gets in");
        require(method == "GET" || head_only, "another method than GET and HEAD gets in");
        for (const std::string& site : values_of(head, "sec-fetch-site")) {
            require(site != "cross-site", "a page of somebody else's gets in");
        }
    }
    // The strict reader, of probes, and cpp-httplib see the same request, as far as both take it.
    const auto strict = server::read_request(head);
    if (passed && strict && *strict && (*strict)->size == head.size()) {
        require((*strict)->method != server::HttpRequest::Method::Other &&
                    values_of(head, "transfer-encoding").empty(),
                "two readers differ");
    }
    if (reply.status == 200 && strict && *strict && !(*strict)->path.empty() &&
        (*strict)->path.find_first_of("%#") == std::string_view::npos &&
        head.find("://") == head.npos) {
        require((*strict)->path == "/" || (*strict)->path == "/api/echo",
                "two readers differ on the path");
    }
}

}  // namespace

void run_status(Input input) {
    Pieces pieces(input);
    const std::size_t size = pieces.u8();
    const std::string_view octets = text_of(pieces.rest());
    const Read whole = read_head(octets, std::max<std::size_t>(octets.size(), 1));
    require(read_head(octets, size == 0 ? 1 : size) == whole && read_head(octets, 1) == whole,
            "where it was cut decides what was read");
    const std::size_t end = octets.substr(0, kMostOfHead).find("\r\n\r\n");
    switch (whole.state) {
        case StatusHead::State::Incomplete:
            require(end == octets.npos && octets.size() < kMostOfHead, "a head that was not seen");
            break;
        case StatusHead::State::TooLarge:
            require(end == octets.npos && octets.size() >= kMostOfHead, "a head that was refused");
            judge_fields(parse_reply(
                received([](int fd) { return http().refuse(431, fd, kPatience); }), false));
            break;
        case StatusHead::State::Complete:
            require(whole.octets == octets.substr(0, end + 4), "a head that is not what was sent");
            judge_answer(whole.octets);
            break;
    }
}

}  // namespace fuzz

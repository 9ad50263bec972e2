#include "server/explain_question.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "k8s_client/utf8.h"
#include "zones/presentation.h"

namespace server {
namespace {

constexpr std::size_t kNdots = 5;

/// Questions that are no questions for records.
constexpr std::array kNotAsked = {zones::qtype::kOpt, zones::qtype::kTsig, zones::qtype::kIxfr,
                                  zones::qtype::kAxfr};

/// `d.c.b.a.in-addr.arpa.` and nibbles (RFC 1035 §3.5, RFC 3596 §2.5).
zones::Name reverse_name(const zones::Address& address) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    if (const auto* v4 = std::get_if<zones::Ipv4>(&address)) {
        for (auto octet = v4->octets.rbegin(); octet != v4->octets.rend(); ++octet) {
            text += std::to_string(*octet) + '.';
        }
        return zones::Name::parse(text + "in-addr.arpa.").value();
    }
    const auto& octets = std::get<zones::Ipv6>(address).octets;
    for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet) {
        text += kHex[*octet & 0xf];
        text += '.';
        text += kHex[*octet >> 4];
        text += '.';
    }
    return zones::Name::parse(text + "ip6.arpa.").value();
}

/// Takes `:PORT` off the end of `text`, if it has one.
std::optional<std::uint16_t> take_port(std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) {
        return std::nullopt;
    }
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, port);
    if (read.ec != std::errc() || read.ptr != end || port == 0) {
        return std::nullopt;
    }
    text.resize(colon);
    return port;
}

std::optional<zones::Name> name_below(const zones::Name& front, const zones::Name& zone) {
    const zones::NameView wire = front.wire();
    return zones::Name::from_wire(std::string(wire.substr(0, wire.size() - 1)) +
                                  std::string(zone.wire()));
}

/// U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069 (UAX #9 §2).
bool turns_writing(std::string_view octets) {
    return (octets >= "\xe2\x80\x8e" && octets <= "\xe2\x80\x8f") ||
           (octets >= "\xe2\x80\xaa" && octets <= "\xe2\x80\xae") ||
           (octets >= "\xe2\x81\xa6" && octets <= "\xe2\x81\xa9");
}

}  // namespace

tl::expected<ExplainQuestion, std::string> read_question(const ExplainRequest& request) {
    ExplainQuestion out;
    std::string name = request.name;
    std::string type = request.type.empty() ? "A" : request.type;
    auto address = zones::parse_address(name);
    if (!address) {
        out.port = take_port(name);
        address = zones::parse_address(name);
    }
    if (address && (request.type.empty() || zones::parse_type(type) == zones::qtype::kPtr)) {
        out.name = reverse_name(*address);
        out.absolute = true;
        type = "PTR";
    } else if (const auto parsed = zones::Name::parse(name)) {
        out.name = *parsed;
        out.absolute = name.ends_with('.') && !name.ends_with("\\.");
    } else {
        return tl::unexpected('"' + printable(request.name) + "\" is not a name");
    }
    const auto qtype = zones::parse_type(type);
    if (!qtype || std::ranges::find(kNotAsked, *qtype) != kNotAsked.end()) {
        return tl::unexpected('"' + printable(type) + "\" is not a type of records");
    }
    out.qtype = *qtype;
    if (!request.from.empty()) {
        out.from = zones::parse_address(request.from);
        if (!out.from) {
            return tl::unexpected('"' + printable(request.from) + "\" is not an address of a pod");
        }
    }
    if (!request.ns.empty() && !zones::is_host_label(request.ns)) {
        return tl::unexpected('"' + printable(request.ns) + "\" is not a name of a namespace");
    }
    out.ns = zones::to_lower(request.ns);
    return out;
}

std::vector<zones::Name> search_list(const std::string& ns, const zones::Name& zone) {
    std::vector<zones::Name> list;
    for (const std::string& front : {ns + ".svc", std::string("svc")}) {
        if (const auto name = name_below(zones::Name::parse(front).value(), zone)) {
            list.push_back(*name);
        }
    }
    list.push_back(zone);
    return list;
}

bool tries_as_it_is_first(const ExplainQuestion& question) {
    return !question.absolute && question.name.label_count() > kNdots;
}

std::vector<zones::Name> names_to_try(const ExplainQuestion& question,
                                      const std::vector<zones::Name>& search) {
    if (question.absolute || question.name.is_root()) {
        return {question.name};
    }
    std::vector<zones::Name> names;
    for (const zones::Name& zone : search) {
        if (const auto name = name_below(question.name, zone)) {
            names.push_back(*name);
        }
    }
    names.insert(tries_as_it_is_first(question) ? names.begin() : names.end(), question.name);
    return names;
}

std::string printable(std::string_view text) {
    constexpr std::size_t kMost = 500;
    std::string out;
    while (!text.empty() && out.size() < kMost) {
        const std::size_t good = std::min(k8s_client::find_invalid_utf8(text), text.size());
        out += text.substr(0, good);
        text.remove_prefix(good);
        if (!text.empty()) {
            out += '?';
            text.remove_prefix(1);
        }
    }
    bool cut = out.size() > kMost || !text.empty();
    while (out.size() > kMost || (cut && k8s_client::find_invalid_utf8(out) != out.npos)) {
        out.pop_back();
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto octet = static_cast<unsigned char>(out[i]);
        if (octet < 0x20 || octet == 0x7f) {
            out[i] = '?';
        } else if (octet == 0xc2 && static_cast<unsigned char>(out[i + 1]) < 0xa0) {
            out.replace(i, 2, "?");  // C1: some terminals obey them
        } else if (turns_writing(std::string_view(out).substr(i, 3))) {
            out.replace(i, 3, "?");
        }
    }
    return cut ? out + "..." : out;
}

}  // namespace server

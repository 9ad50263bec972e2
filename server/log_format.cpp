#include "server/log_format.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "server/log_line.h"
#include "zones/zone_table.h"

namespace server {
namespace {

constexpr std::string_view kCombinedFormat =
    "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" "
    "{rcode} {>rflags} {rsize} {duration} \"{>opcode}\"";

struct NamedNumber {
    std::uint16_t number;
    std::string_view text;
};

// IANA's registry, as far as clients ask.
constexpr auto kTypeNames = std::to_array<NamedNumber>({
    {1, "A"},      {2, "NS"},       {5, "CNAME"},       {6, "SOA"},     {12, "PTR"},
    {13, "HINFO"}, {15, "MX"},      {16, "TXT"},        {17, "RP"},     {18, "AFSDB"},
    {24, "SIG"},   {25, "KEY"},     {28, "AAAA"},       {29, "LOC"},    {33, "SRV"},
    {35, "NAPTR"}, {36, "KX"},      {37, "CERT"},       {39, "DNAME"},  {42, "APL"},
    {43, "DS"},    {44, "SSHFP"},   {46, "RRSIG"},      {47, "NSEC"},   {48, "DNSKEY"},
    {49, "DHCID"}, {50, "NSEC3"},   {52, "TLSA"},       {53, "SMIMEA"}, {55, "HIP"},
    {59, "CDS"},   {60, "CDNSKEY"}, {61, "OPENPGPKEY"}, {64, "SVCB"},   {65, "HTTPS"},
    {99, "SPF"},   {251, "IXFR"},   {252, "AXFR"},      {255, "ANY"},   {256, "URI"},
    {257, "CAA"},
});

constexpr auto kRcodeNames = std::to_array<NamedNumber>({
    {0, "NOERROR"},
    {1, "FORMERR"},
    {2, "SERVFAIL"},
    {3, "NXDOMAIN"},
    {4, "NOTIMP"},
    {5, "REFUSED"},
    {6, "YXDOMAIN"},
    {7, "YXRRSET"},
    {8, "NXRRSET"},
    {9, "NOTAUTH"},
    {10, "NOTZONE"},
    {16, "BADVERS"},
});

template <std::size_t N>
std::string number_text(const std::array<NamedNumber, N>& table, unsigned number,
                        std::string_view prefix) {
    for (const auto& entry : table) {
        if (entry.number == number) {
            return std::string(entry.text);
        }
    }
    return fmt::format("{}{}", prefix, number);
}

std::string bracketed(const in6_addr& address) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, &address, text, sizeof text);
    return fmt::format("[{}]", text);
}

std::string plain(const in_addr& address) {
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof text);
    return text;
}

std::string remote_text(const Client& client) {
    return client.peer.any.sa_family == AF_INET6 ? bracketed(client.peer.v6.sin6_addr)
                                                 : plain(client.peer.v4.sin_addr);
}

std::uint16_t port_of(const Client& client) {
    return ntohs(client.peer.any.sa_family == AF_INET6 ? client.peer.v6.sin6_port
                                                       : client.peer.v4.sin_port);
}

/// The address that was asked, as the control message for the reply has it.
std::string local_text(const LoggedReply& reply) {
    const auto* const control = reply.client.control;
    cmsghdr head{};
    if (reply.client.control_size >= CMSG_LEN(sizeof(in_pktinfo))) {
        std::memcpy(&head, control, sizeof head);
    }
    if (head.cmsg_level == IPPROTO_IP && head.cmsg_type == IP_PKTINFO) {
        in_pktinfo info;
        std::memcpy(&info, control + CMSG_LEN(0), sizeof info);
        return plain(info.ipi_spec_dst);
    }
    if (head.cmsg_level == IPPROTO_IPV6 && head.cmsg_type == IPV6_PKTINFO &&
        reply.client.control_size >= CMSG_LEN(sizeof(in6_pktinfo))) {
        in6_pktinfo info;
        std::memcpy(&info, control + CMSG_LEN(0), sizeof info);
        return bracketed(info.ipi6_addr);
    }
    const std::string address(reply.listen_address);
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

std::string flags_text(const std::uint8_t* message) {
    struct Flag {
        std::size_t octet;
        std::uint8_t bit;
        std::string_view text;
    };
    using namespace zones;
    static constexpr auto kFlags = std::to_array<Flag>({{2, header::kQr, "qr"},
                                                        {2, header::kAa, "aa"},
                                                        {2, header::kTc, "tc"},
                                                        {2, header::kRd, "rd"},
                                                        {3, header::kRa, "ra"},
                                                        {3, header::kZ, "z"},
                                                        {3, header::kAd, "ad"},
                                                        {3, header::kCd, "cd"}});
    std::string out;
    for (const Flag& flag : kFlags) {
        if ((message[flag.octet] & flag.bit) != 0) {
            out += out.empty() ? "" : ",";
            out += flag.text;
        }
    }
    return out;
}

unsigned rcode_of(const LoggedReply& reply) {
    return reply.message[3] & zones::header::kRcodeMask;
}

/// As CoreDNS has it: 512 without EDNS and at least, the whole of 16 bits over TCP.
unsigned buffer_size(const LoggedReply& reply) {
    const unsigned size = reply.query.has_edns ? reply.query.udp_size : zones::kClassicUdpSize;
    return reply.client.tcp ? 65535U : std::max(size, unsigned{zones::kClassicUdpSize});
}

template <typename Value>
void put(std::string& line, const Value& value) {
    fmt::format_to(std::back_inserter(line), "{}", value);
}

void put_duration(const LoggedReply& reply, std::string& line) {
    const auto ns = std::max<std::int64_t>(reply.duration.count(), 0);
    fmt::format_to(std::back_inserter(line), "{}.{:09}s", ns / 1'000'000'000, ns % 1'000'000'000);
}

using Line = std::string;
using Reply = LoggedReply;

struct LogField {
    std::string_view name;
    LogFormat::Print print;
};

constexpr auto kLogFields = std::to_array<LogField>({
    {"{type}", [](const Reply& r, Line& line) { line += type_text(r.query.qtype); }},
    {"{name}", [](const Reply& r, Line& line) { line += zones::to_string(r.query.name.wire()); }},
    {"{class}", [](const Reply& r, Line& line) { line += class_text(r.query.qclass); }},
    {"{proto}", [](const Reply& r, Line& line) { line += r.client.tcp ? "tcp" : "udp"; }},
    {"{size}", [](const Reply& r, Line& line) { put(line, r.query.message.size()); }},
    {"{remote}", [](const Reply& r, Line& line) { line += remote_text(r.client); }},
    {"{port}", [](const Reply& r, Line& line) { put(line, port_of(r.client)); }},
    {"{local}", [](const Reply& r, Line& line) { line += local_text(r); }},
    {"{>id}",
     [](const Reply& r, Line& line) { put(line, zones::read_u16(r.query.message.data())); }},
    {"{>opcode}",
     [](const Reply& r, Line& line) {
         put(line, (r.query.flags2 & zones::header::kOpcodeMask) >> 3);
     }},
    {"{>do}", [](const Reply& r, Line& line) { put(line, r.query.dnssec_ok); }},
    {"{>bufsize}", [](const Reply& r, Line& line) { put(line, buffer_size(r)); }},
    {"{rcode}", [](const Reply& r, Line& line) { line += rcode_text(rcode_of(r)); }},
    {"{rsize}", [](const Reply& r, Line& line) { put(line, r.message.size()); }},
    {"{duration}", put_duration},
    {"{>rflags}", [](const Reply& r, Line& line) { line += flags_text(r.message.data()); }},
});

/// Null if `name`, with its braces, is no field. Labels of `metadata` have no values here.
LogFormat::Print find_field(std::string_view name) {
    const auto* const field =
        std::find_if(kLogFields.begin(), kLogFields.end(),
                     [&](const LogField& known) { return known.name == name; });
    if (field != kLogFields.end()) {
        return field->print;
    }
    if (name.substr(0, 2) == "{/") {
        return [](const Reply&, Line& line) { line += '-'; };
    }
    return nullptr;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

std::string type_text(std::uint16_t type) {
    return number_text(kTypeNames, type, "TYPE");
}

std::string class_text(std::uint16_t qclass) {
    switch (qclass) {
        case 1:
            return "IN";
        case 3:
            return "CH";
        case 4:
            return "HS";
        case 254:
            return "NONE";
        case 255:
            return "ANY";
        default:
            return fmt::format("CLASS{}", qclass);
    }
}

std::string rcode_text(unsigned rcode) {
    return number_text(kRcodeNames, rcode, "RCODE");
}

/// A field begins at the last brace before the one that closes: "{ {name} }" has one.
LogFormat::LogFormat(std::string_view text) {
    std::string whole(text);
    replace_all(whole, "{common}", kCommonFormat);
    replace_all(whole, "{combined}", kCombinedFormat);
    std::string_view left = whole;
    Part part;
    for (std::size_t close = 0; (close = left.find('}')) != left.npos;) {
        const std::size_t open = left.rfind('{', close);
        part.field = open == left.npos ? nullptr : find_field(left.substr(open, close + 1 - open));
        part.literal += left.substr(0, part.field == nullptr ? close + 1 : open);
        if (part.field != nullptr) {
            parts_.push_back(std::exchange(part, {}));
        }
        left.remove_prefix(close + 1);
    }
    part.literal += left;
    parts_.push_back(std::move(part));
}

void LogFormat::append(const LoggedReply& reply, std::string& line) const {
    for (const Part& part : parts_) {
        line += part.literal;
        if (part.field != nullptr) {
            part.field(reply, line);
        }
    }
}

std::string json_query_line(const LoggedReply& reply) {
    const zones::Query& query = reply.query;
    const std::string remote = remote_text(reply.client), local = local_text(reply),
                      type = type_text(query.qtype), qclass = class_text(query.qclass),
                      name = zones::to_string(query.name.wire()),
                      rcode = rcode_text(rcode_of(reply)),
                      rflags = flags_text(reply.message.data());
    const auto number = [](std::size_t value) { return std::uint64_t{value}; };
    const auto fields = std::to_array<JsonField>({
        {"msg", std::string_view("query")},
        {"remote", remote},
        {"port", number(port_of(reply.client))},
        {"local", local},
        {"id", number(zones::read_u16(query.message.data()))},
        {"type", type},
        {"class", qclass},
        {"name", name},
        {"proto", std::string_view(reply.client.tcp ? "tcp" : "udp")},
        {"size", number(query.message.size())},
        {"do", query.dnssec_ok},
        {"bufsize", number(buffer_size(reply))},
        {"rcode", rcode},
        {"rflags", rflags},
        {"rsize", number(reply.message.size())},
        {"duration", std::chrono::duration<double>(reply.duration).count()},
    });
    return json_line(LogLevel::Info, fields);
}

}  // namespace server

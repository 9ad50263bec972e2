#include "server/query_log.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <unistd.h>

#include <fmt/format.h>

#include "zones/zone_table.h"

namespace server {
namespace {

constexpr std::size_t kFlushAt = 64 * 1024;
constexpr std::uint64_t kMostErrors = 100;  // lines a second

struct NamedNumber {
    std::uint16_t number;
    std::string_view text;
};

// IANA's registry, as far as clients ask.
constexpr auto kTypes = std::to_array<NamedNumber>({
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

constexpr auto kRcodes = std::to_array<NamedNumber>({
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
std::string text_of(const std::array<NamedNumber, N>& table, unsigned number,
                    std::string_view prefix) {
    for (const auto& entry : table) {
        if (entry.number == number) {
            return std::string(entry.text);
        }
    }
    return fmt::format("{}{}", prefix, number);
}

std::string remote_text(const Client& client) {
    char text[INET6_ADDRSTRLEN];
    if (client.peer.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &client.peer.v6.sin6_addr, text, sizeof text);
        return fmt::format("[{}]:{}", text, ntohs(client.peer.v6.sin6_port));
    }
    inet_ntop(AF_INET, &client.peer.v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(client.peer.v4.sin_port));
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

enum class Class : std::uint8_t { Success, Denial, Error };

/// As CoreDNS sorts replies for `class`.
Class class_of(const LoggedReply& reply) {
    const auto rcode = static_cast<zones::Rcode>(reply.message[3] & zones::header::kRcodeMask);
    const bool answers = zones::read_u16(reply.message + 6) > 0;
    const bool authority = zones::read_u16(reply.message + 8) > 0;
    if (rcode == zones::Rcode::NxDomain) {
        return Class::Denial;
    }
    if (rcode != zones::Rcode::NoError) {
        return Class::Error;
    }
    return answers || !authority ? Class::Success : Class::Denial;
}

/// The first `log` whose names cover the qname decides, whatever its classes.
bool wanted(const ServerBlock& block, const zones::Query& query, Class reply_class) {
    const auto qname = zones::Name::from_wire(query.qname);
    for (const LogConfig& log : block.logs) {
        for (const zones::Name& name : log.names) {
            if (qname && qname->is_at_or_below(name)) {
                return reply_class == Class::Success  ? log.success
                       : reply_class == Class::Denial ? log.denial
                                                      : log.error;
            }
        }
    }
    return false;
}

}  // namespace

std::string type_text(std::uint16_t type) {
    return text_of(kTypes, type, "TYPE");
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
    return text_of(kRcodes, rcode, "RCODE");
}

void QueryLog::reply(const ServerBlock& block, const zones::Query& query, const Client& client,
                     const LoggedReply& reply, std::chrono::nanoseconds duration) {
    if (block.logs.empty() || !wanted(block, query, class_of(reply))) {
        return;
    }
    const unsigned size = query.has_edns ? query.udp_size : zones::kClassicUdpSize;
    fmt::format_to(
        std::back_inserter(lines_), "[INFO] {} - {} \"{} {} {} {} {} {} {}\" {} {} {} {:.9f}s\n",
        remote_text(client), zones::read_u16(query.message.data()), type_text(query.qtype),
        class_text(query.qclass), zones::to_string(query.name.wire()), client.tcp ? "tcp" : "udp",
        query.message.size(), query.dnssec_ok, client.tcp ? 65535U : size,
        rcode_text(reply.message[3] & zones::header::kRcodeMask), flags_text(reply.message),
        reply.size, std::chrono::duration<double>(duration).count());
    if (lines_.size() > kFlushAt) {
        flush();
    }
}

void QueryLog::error(const ServerBlock& block, const zones::Query& query, zones::Rcode rcode,
                     std::string_view text) {
    if (!block.errors || !may_write_error()) {
        return;
    }
    fmt::format_to(std::back_inserter(lines_), "[ERROR] plugin/errors: {} {} {}: {}\n",
                   static_cast<unsigned>(rcode), zones::to_string(query.qname),
                   type_text(query.qtype), text);
    if (lines_.size() > kFlushAt) {
        flush();
    }
}

bool QueryLog::may_write_error() {
    end_second();
    return ++errors_ <= kMostErrors;
}

/// Says how many were left out, once the second is over.
void QueryLog::end_second() {
    const auto now = Clock::now();
    if (now - second_ < std::chrono::seconds(1)) {
        return;
    }
    if (errors_ > kMostErrors) {
        fmt::format_to(std::back_inserter(lines_),
                       "[ERROR] plugin/errors: {} more errors within a second\n",
                       errors_ - kMostErrors);
    }
    second_ = now;
    errors_ = 0;
}

void QueryLog::flush() {
    if (errors_ > kMostErrors) {
        end_second();
    }
    std::string_view left = lines_;
    while (!left.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            break;  // nobody reads: the lines are lost, queries are not
        }
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    lines_.clear();
}

}  // namespace server

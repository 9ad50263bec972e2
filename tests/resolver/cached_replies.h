// Replies as an upstream sends them, and questions, for the tests of the cache.
// Free functions and values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/answer_cache.h"
#include "tests/support/wire_message.h"

namespace support {

using Octets = std::vector<std::uint8_t>;
using Section = WireMessage::Section;

inline constexpr std::uint32_t kNow = 1'800'000'000;  // Unix time

inline constexpr unsigned kA = 1, kCname = 5, kSoa = 6, kTxt = 16;

inline std::string wire_of(std::string_view text) {
    WireMessage message;
    const std::size_t at = message.size();
    message.name(text);
    return {message.octets().begin() + static_cast<std::ptrdiff_t>(at), message.octets().end()};
}

inline std::string soa_rdata(std::uint32_t minimum) {
    std::string rdata = wire_of("ns.test.") + wire_of("root.test.") + std::string(16, '\1');
    for (int shift = 24; shift >= 0; shift -= 8) {
        rdata.push_back(static_cast<char>(minimum >> shift & 0xff));
    }
    return rdata;
}

/// A reply's header and question; `flags` with the rcode.
inline WireMessage reply_to(std::string_view qname, unsigned qtype = kA, unsigned flags = 0x8180) {
    WireMessage message(static_cast<std::uint16_t>(flags));
    message.question(qname, qtype);
    return message;
}

/// One address at the name asked.
inline WireMessage address_reply(std::string_view qname, std::uint32_t ttl,
                                 std::string_view rdata = "\1\2\3\4") {
    return reply_to(qname).record(Section::kAnswer, qname, kA, ttl, rdata);
}

/// What would be kept of a reply.
struct Kept {
    resolver::Cacheable what;
    Octets message;
};

inline std::optional<Kept> keep(const WireMessage& reply, const resolver::TtlLimits& limits = {}) {
    Octets out(resolver::AnswerCache::kMaxMessage);
    const auto parsed = zones::parse_upstream_reply(reply.octets());
    const auto what = resolver::make_cacheable(parsed.value(), limits, kNow, out);
    if (!what) {
        return std::nullopt;
    }
    out.resize(what->size);
    return Kept{*what, out};
}

/// The TTLs of a message's records, in order.
inline std::vector<std::uint32_t> ttls_of(std::span<const std::uint8_t> message) {
    zones::Reader reader(message, zones::kHeaderSize);
    reader.skip_name();
    reader.octets(4);
    std::vector<std::uint32_t> ttls;
    while (!reader.failed() && !reader.at_end()) {
        reader.skip_name();
        reader.octets(4);
        ttls.push_back(reader.u32());
        reader.octets(reader.u16());
    }
    return ttls;
}

}  // namespace support

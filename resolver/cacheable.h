// What of an upstream's reply may be kept, for how long, and in which octets.
// Knows RFC 2308 (negative answers), RFC 2181 and the limits an operator sets; knows no store and
// no clock. What is kept is a message of our own writing: header, question in lower case, answer
// and authority. Free functions; nothing here allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "zones/relay.h"

namespace resolver {

enum class AnswerKind : std::uint8_t {
    Success,  // the type that was asked, perhaps at the end of CNAMEs
    Denial,   // NXDOMAIN, NODATA
    Failure,  // SERVFAIL, NOTIMP, no reply
};

/// Seconds. What is asked for beyond them is raised to `least` first, then cut to `most`.
using zones::TtlRange;

struct TtlLimits {
    TtlRange success{5, 3600};
    TtlRange denial{5, 1800};
    std::uint32_t failure = 5;  // 0: failures are for nobody but who asked
};

/// A reply that may be kept.
struct Cacheable {
    AnswerKind kind = AnswerKind::Success;
    TtlRange ttls;               // for its records, also when they go to who asked first
    std::uint32_t lifetime = 0;  // seconds
    std::size_t size = 0;        // octets written
};

/// Writes the message that is to be kept for `reply` into `out`, its TTLs brought into range.
/// nullopt if it must not be kept or does not fit: truncated; a negative answer without SOA
/// (RFC 2308 §5); records that do not follow from the question; another rcode than NOERROR,
/// NXDOMAIN, SERVFAIL, NOTIMP; malformed. The question of `reply` has been checked.
/// `unix_time` is now: nothing is kept beyond the end of its signatures (RFC 4035 §5.3.3).
std::optional<Cacheable> make_cacheable(const zones::UpstreamReply& reply, const TtlLimits& limits,
                                        std::uint32_t unix_time, std::span<std::uint8_t> out);

/// Writes header and question as a failure that is to be kept; returns the size. `qname` is in
/// lower case.
std::size_t write_failure(zones::NameView qname, std::uint16_t qtype, std::uint16_t qclass,
                          zones::Rcode rcode, std::span<std::uint8_t> out);

/// Takes `seconds` from each TTL of a kept message, down to 0.
void age_ttls(std::span<std::uint8_t> message, std::uint32_t seconds);

/// Gives each record of a kept message the same TTL.
void set_ttls(std::span<std::uint8_t> message, std::uint32_t ttl);

}  // namespace resolver

// Takes records over from an upstream's reply into ours.
// Knows which rdata hold names that may be compressed (RFC 3597 §4), and reads them with the
// bounded reader; knows nothing of who asked. Borrows both messages. Free functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "zones/reader.h"
#include "zones/writer.h"

namespace zones {

/// The parts of an upstream's reply; its question has been skipped, not compared.
struct UpstreamReply {
    Octets message;
    std::uint8_t flags2 = 0, flags3 = 0;
    Rcode rcode = Rcode::NoError;  // the header's four bits
    std::uint16_t counts[3] = {0, 0, 0};
    std::size_t records_at = 0;
};

/// nullopt if the header or the question is cut short.
std::optional<UpstreamReply> parse_upstream_reply(Octets message);

/// Bounds of TTLs, in seconds; where they contradict each other, `most` counts.
struct TtlRange {
    std::uint32_t least = 0;
    std::uint32_t most = 0x7fffffff;  // RFC 2181 §8

    std::uint32_t clamp(std::uint32_t ttl) const { return std::min(std::max(ttl, least), most); }
};

/// Gives the names of records other names. Names are uncompressed; a result lives until the next
/// call.
class NameChange {
  public:
    virtual ~NameChange() = default;
    virtual NameView owner(NameView name) = 0;
    /// The name that a CNAME, DNAME, MX, NAPTR, NS, PTR or SRV record leads to, or the SOA's MNAME.
    virtual NameView value(NameView name) = 0;
};

/// What of a reply is wanted, and how.
struct RelayedSections {
    bool authority = true;
    bool additional = true;
    TtlRange ttls{};
    NameChange* names = nullptr;  // null: as they are
};

/// Appends the records, but for OPT and TSIG, which are each hop's own (RFC 6891 §6.1.1, RFC 8945
/// §5.2). Marks the message truncated if an answer or authority record does not fit. False if the
/// reply is malformed: what was appended is then worth nothing.
bool relay_records(const UpstreamReply& reply, RelayedSections wanted, MessageWriter& out);

}  // namespace zones

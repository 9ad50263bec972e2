// Takes records over from an upstream's reply into ours.
// Knows which rdata hold names that may be compressed (RFC 3597 §4), and reads them with the
// bounded reader; knows nothing of who asked. Borrows both messages. Free functions.
#pragma once

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

/// What of a reply is wanted.
struct RelayedSections {
    bool authority = true;
    bool additional = true;
};

/// Appends the records, but for OPT and TSIG, which are each hop's own (RFC 6891 §6.1.1, RFC 8945
/// §5.2). Marks the message truncated if an answer or authority record does not fit. False if the
/// reply is malformed: what was appended is then worth nothing.
bool relay_records(const UpstreamReply& reply, RelayedSections wanted, MessageWriter& out);

}  // namespace zones

// A reply as people read it: rcode, flags, and records in presentation form (RFC 1035 §5.1).
// Knows rdata of the types that clusters have, all others as RFC 3597 §5 writes what is unknown;
// reads octets through Reader alone, and escapes every octet that is not printable. Free functions
// and values; any thread. Not for the query path: it allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zones/reader.h"

namespace zones {

struct RecordText {
    Section section = Section::Answer;
    std::uint16_t type = 0;
    std::string owner;  // with final dot
    std::uint32_t ttl = 0;
    std::string rclass, type_name, rdata;
    std::string target;  // wire name that a CNAME, PTR, NS or SRV record leads to; else empty

    /// "kubia.default.svc.cluster.local. 30 IN A 10.66.13.240"
    std::string line() const;
};

struct ReplyText {
    unsigned rcode = 0;  // with the upper bits of EDNS
    std::uint8_t flags2 = 0, flags3 = 0;
    bool edns = false;
    std::optional<std::uint16_t> extended_error;  // RFC 8914
    std::string extended_text;                    // UTF-8 as it came, controls replaced
    std::vector<RecordText> records;              // without OPT

    std::size_t count(Section section) const;
};

/// nullopt if `message` is malformed.
std::optional<ReplyText> read_reply_text(Octets message);

/// "qr aa rd ra"
std::string flags_text(std::uint8_t flags2, std::uint8_t flags3);

}  // namespace zones

// What a reply says, as one number: equal for replies that say the same, in whatever order. Knows
// RFC 1035's form, and takes no reply that breaks it. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace soak {

using Octets = std::span<const std::uint8_t>;

struct Reply {
    bool truncated = false;
    /// FNV-1a of the rcode and the sorted records of the answer section: owner (or that it is
    /// qname), type, and value in lower case. TTLs, priorities and weights are left out.
    std::uint64_t digest = 0;
};

/// None if it is no well-formed reply to `query`: same id, same question as spelled, an OPT record
/// if and only if the query has one, nothing behind the last record.
std::optional<Reply> read_reply(Octets query, Octets reply);

}  // namespace soak

// Whether a message from an upstream answers the query that was sent (RFC 5452 §9.1), and the few
// header fields that decide what happens to it. Reads the header and compares the question; follows
// no pointer and no length found in the message, and reads no record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "resolver/upstream_query.h"

namespace resolver {

struct ReplyHeader {
    bool truncated = false;
    std::uint8_t rcode = 0;  // the header's four bits
    bool has_additional = false;
};

inline constexpr std::uint8_t kRcodeFormErr = 1;

/// Whether the id and the one question of `message` are the query's.
bool is_for(std::span<const std::uint8_t> message, const UpstreamQuery& query);

/// nullopt if `reply` is no response to `query`: QR, opcode, id, one question, equal to ours in
/// type and class, and in name but for case.
std::optional<ReplyHeader> check_reply(std::span<const std::uint8_t> reply,
                                       const UpstreamQuery& query);

}  // namespace resolver

// What a client may be limited by, and what then becomes of its query: as metrics and log name it.
// Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace server {

enum class Limit : std::uint8_t {
    Queries,    // `ratelimit`
    Forwards,   // its `forwards`
    Requests,   // `requests-per-second` of `rrl`
    Responses,  // all others of `rrl`
    Waiting,    // a client's share of what waits for upstreams
};
inline constexpr std::size_t kLimits = 5;
inline constexpr std::array<std::string_view, kLimits> kLimitNames = {
    "queries", "forwards", "requests", "responses", "waiting"};

enum class LimitAction : std::uint8_t {
    Truncated,
    Refused,
    Dropped,
    Reported,  // nothing: `report-only`
};
inline constexpr std::size_t kLimitActions = 4;
inline constexpr std::array<std::string_view, kLimitActions> kLimitActionNames = {
    "truncated", "refused", "dropped", "reported"};

}  // namespace server

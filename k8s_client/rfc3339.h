// Times as the Kubernetes API writes them (RFC 3339 §5.6), with fractions of a second.
// A function of its text; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace k8s_client {

using UnixNanoseconds = std::chrono::sys_time<std::chrono::nanoseconds>;

/// `2026-11-23T08:00:00Z`, `2026-11-23T09:00:00.123456789+01:00`, of the years 1970 to 2261. Digits
/// beyond the ninth are passed over; a leap second is the next minute's first.
std::optional<UnixNanoseconds> parse_rfc3339(std::string_view text);

}  // namespace k8s_client

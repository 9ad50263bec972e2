// Base64 (RFC 4648 §4) to octets.
// Knows nothing of what they mean. Free of state; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace k8s_client {

/// White space is passed over; padding is needed. nullopt if it is not base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace k8s_client

// Base64 (RFC 4648 §4) to octets.
// Knows nothing of what they mean. Free of state; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "k8s_client/secret.h"

namespace k8s_client {

/// What comes of it may be a key. White space is passed over; padding is needed. nullopt if it is
/// not base64.
std::optional<Secret> decode_base64(std::string_view text);

}  // namespace k8s_client

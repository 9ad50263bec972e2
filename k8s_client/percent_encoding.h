// Text as part of a URL (RFC 3986 §2.1). Free of state and threads.
#pragma once

#include <string>
#include <string_view>

namespace k8s_client {

/// All but what is unreserved becomes %XX.
std::string percent_encoded(std::string_view text);

}  // namespace k8s_client

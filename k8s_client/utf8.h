// Well-formedness of UTF-8 (RFC 3629). Free of state and threads.
#pragma once

#include <cstddef>
#include <string_view>

namespace k8s_client {

/// Where the first ill-formed sequence begins; npos if there is none.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace k8s_client

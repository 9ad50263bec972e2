// What an errno means, in words.
// Knows the C library's texts; knows nothing of what failed. Free of state; any thread.
#pragma once

#include <string>
#include <system_error>

namespace server {

/// "Permission denied"
inline std::string errno_text(int error) {
    return std::error_code(error, std::generic_category()).message();
}

}  // namespace server

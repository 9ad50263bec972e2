// Values that nobody can guess, such as the keys of hashes.
// Knows the kernel's random octets; keeps none. Start and reload, not for each query; any thread.
#pragma once

#include <sys/random.h>
#include <type_traits>

#include "server/config_error.h"

namespace server {

/// Throws ConfigError without randomness.
template <typename T>
T random_value() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    if (::getrandom(&value, sizeof value, 0) != sizeof value) {
        throw ConfigError("getrandom gives no random bytes");
    }
    return value;
}

}  // namespace server

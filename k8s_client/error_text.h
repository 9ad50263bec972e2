// What an errno means, in words. Free of state; any thread.
#pragma once

#include <string>
#include <system_error>

namespace k8s_client {

inline std::string error_text(int error) {
    return std::generic_category().message(error);
}

}  // namespace k8s_client

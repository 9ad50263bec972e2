// Where a text stops being JSON or YAML, and why. A value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace k8s_client {

struct SyntaxError {
    std::size_t line = 0;  // from 1
    std::string why;
};

inline std::size_t line_at(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    return static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
}

}  // namespace k8s_client

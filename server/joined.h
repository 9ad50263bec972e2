// Texts of a list in one line.
// Knows nothing of what they say. Free of state; any thread.
#pragma once

#include <string>
#include <string_view>

namespace server {

/// "a, b" of `a` and `b` with ", " between them. Nothing stands before the first that is not empty.
template <typename Texts>
std::string joined(const Texts& texts, std::string_view between) {
    std::string all;
    for (const auto& text : texts) {
        all.append(all.empty() ? std::string_view() : between).append(text);
    }
    return all;
}

}  // namespace server

#include "server/near_spelling.h"

#include <algorithm>
#include <utility>

namespace server {

/// Optimal string alignment, row by row.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

std::vector<std::string> near_spellings(std::string_view word,
                                        const std::vector<std::string>& words) {
    constexpr std::size_t kMost = 3;
    const std::size_t allowed = word.size() <= 2 ? 1 : word.size() / 3 >= 2 ? 2 : 1;
    std::vector<std::pair<std::size_t, std::string_view>> near;
    for (const std::string& other : words) {
        const std::size_t longer = std::max(word.size(), other.size());
        if (longer - std::min(word.size(), other.size()) > allowed) {
            continue;
        }
        const std::size_t distance = edit_distance(word, other);
        if (distance > 0 && distance <= allowed) {
            near.emplace_back(distance, other);
        }
    }
    std::ranges::sort(near);
    near.erase(std::unique(near.begin(), near.end()), near.end());
    std::vector<std::string> out;
    for (const auto& [distance, other] : near) {
        if (out.size() < kMost) {
            out.emplace_back(other);
        }
    }
    return out;
}

}  // namespace server

// Which of the words that exist may have been meant.
// Knows letters only. Free functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// How many letters are to be added, left out, replaced, or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// At most three of `words`, the nearest first, then by name: one letter in three may be wrong, two
/// at most, and one in a word of two letters or less. `word` itself is not among them.
std::vector<std::string> near_spellings(std::string_view word,
                                        const std::vector<std::string>& words);

}  // namespace server

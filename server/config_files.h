// Reads the small text files that configuration is made of, and finds them by pattern.
// Knows nothing of what is in them. Free functions; any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace server {

inline constexpr std::size_t kMaxConfigFile = std::size_t{1} << 20;

/// The content, or why it cannot be had. A file beyond kMaxConfigFile octets is refused.
tl::expected<std::string, std::string> read_text_file(const std::filesystem::path& path);

/// What matches a shell pattern, sorted; names that begin with a dot need one in the pattern.
std::vector<std::filesystem::path> find_files(const std::filesystem::path& pattern);

}  // namespace server

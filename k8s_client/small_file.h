// Reads a small file whole: a token, a certificate, a kubeconfig.
// Knows nothing of what is in it. Free of state; any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace k8s_client {

inline constexpr std::size_t kMaxSmallFile = std::size_t{1} << 20;

/// The content, or why it cannot be had. A file beyond kMaxSmallFile octets is refused.
tl::expected<std::string, std::string> read_small_file(const std::filesystem::path& file);

}  // namespace k8s_client

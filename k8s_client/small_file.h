// Reads a small file whole: a token, a certificate, a kubeconfig.
// Knows nothing of what is in it. Free of state; any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <tl/expected.hpp>

#include "k8s_client/secret.h"

namespace k8s_client {

inline constexpr std::size_t kMaxSmallFile = std::size_t{1} << 20;

/// The content, or why it cannot be had. A file beyond kMaxSmallFile octets is refused. No copy of
/// what may be a secret stays behind.
tl::expected<Secret, std::string> read_small_file(const std::filesystem::path& file);

}  // namespace k8s_client

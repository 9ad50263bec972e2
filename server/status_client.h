// Asks a running server's `status`, for the subcommands that show what it says.
// Knows HTTP; knows nothing of what comes. A free function; blocks for some seconds at most.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace server {

inline constexpr const char* kStatusServer = "127.0.0.1:8182";  // where `status` is by default

/// The body of `target` ("/api/top?n=5") at `server`, which is [HOST]:PORT; else a sentence that
/// says why there is none.
tl::expected<std::string, std::string> ask_status(const std::string& server,
                                                  const std::string& target);

}  // namespace server

// Asks a running server's `status`, for the subcommands that show what it says.
// Knows HTTP; knows nothing of what comes. Free functions; asking blocks for some seconds at most.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace server {

inline constexpr const char* kStatusServer = "127.0.0.1:8182";  // where `status` is by default

/// What -server says, in two: `127.0.0.1`, `[::1]:8182`, `:8182`, `host:1`.
struct ServerAddress {
    std::string host;
    std::uint16_t port = 8182;
};
/// The error is one line.
tl::expected<ServerAddress, std::string> server_address(const std::string& text);

/// The body of `target` ("/api/top?n=5") at `server`; else a line, free of control characters, that
/// says why there is none.
tl::expected<std::string, std::string> ask_status(const std::string& server,
                                                  const std::string& target);

}  // namespace server

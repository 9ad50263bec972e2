// Reads the values that Corefile options have: durations, numbers, addresses, argument counts.
// Knows how CoreDNS writes them; knows no plugin. Each read_ function throws ConfigError naming
// the line; each parse_ function returns nullopt. Free of state and threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "server/corefile.h"
#include "server/net_set.h"
#include "zones/name.h"

namespace server {

/// A duration as Go's time.ParseDuration reads it: "1h2m3.5s", "500ms", "-3us", "0".
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// A whole number with an optional sign.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// An IP address in its canonical spelling; nullopt if `text` is none. No scope, no brackets.
std::optional<std::string> parse_address(std::string_view text);

/// `ADDRESS[/BITS]`; as in Go, an IPv4-mapped IPv6 network is the IPv4 network.
std::optional<Net> parse_net(std::string_view text);

struct Endpoint {
    std::string address;  // canonical, without brackets and scope
    std::optional<std::uint16_t> port;
};
/// `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:53`, each address
/// perhaps with `%scope`, which is dropped.
std::optional<Endpoint> parse_endpoint(std::string_view text);

/// The whole line, as messages show it.
std::string text_of(const Directive& line);

inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
void expect_arguments(const Directive& line, std::size_t least, std::size_t most);
void expect_no_block(const Directive& line);

/// What an option may be that only its type limits.
inline constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();
std::int64_t read_integer(const Directive& line, std::string_view text, std::int64_t least,
                          std::int64_t most);
/// Later than anything that is kept: what an option takes instead of a longer duration, where that
/// would be too long to reckon with.
inline constexpr std::chrono::nanoseconds kLongestDuration = std::chrono::hours(24 * 365);
std::chrono::nanoseconds read_duration(const Directive& line, std::string_view text);
zones::Name read_name(const Position& at, std::string_view text);

struct HostPort {
    std::string host;  // without brackets; a name or an address, perhaps with a scope, or empty
    std::uint16_t port = 0;
};
/// `[HOST]:PORT` of an HTTP listener.
HostPort read_host_port(const Directive& line, std::string_view text);

}  // namespace server

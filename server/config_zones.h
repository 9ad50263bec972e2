// Reads what a Corefile calls zones: the keys of server blocks, and zones given to plugins.
// Knows transports, ports and CIDR notation (reverse zones); knows no listeners.
// Free functions and values; any thread. The read_ functions throw ConfigError.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/corefile.h"
#include "zones/name.h"

namespace server {

/// The zones of one key: several where a CIDR is not on a label border.
struct KeyZones {
    std::vector<zones::Name> zones;  // lower case
    std::optional<std::uint16_t> port;
};

/// `[dns://]ZONE|CIDR[:PORT]`.
KeyZones read_key(const Position& at, std::string_view text);

/// The same form; CoreDNS lets a plugin's zones have a transport and a port, and ignores both.
std::vector<zones::Name> read_zones(const Position& at, std::string_view text);
std::vector<zones::Name> read_zones(const Position& at, const std::vector<std::string>& texts);

bool is_reverse(const zones::Name& zone);

/// The reverse zones that cover `address`/`bits`, cut at the next octet (IPv4) or nibble (IPv6);
/// nullopt if it is no address or has too many bits.
std::optional<std::vector<zones::Name>> reverse_zones(std::string_view address, std::int64_t bits);

}  // namespace server

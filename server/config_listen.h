// Which blocks listen where: refuses a zone that two blocks would serve on one listener, and says
// what a wildcard stands for where nothing is opened.
// Knows zones, addresses and ports as the Corefile names them; opens no socket.
// Start-up and reload only, one thread.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "server/config.h"
#include "server/corefile.h"

namespace server {

class ListenRegister {
  public:
    /// Throws ConfigError if `zone` is taken there, or taken everywhere by a block without `bind`
    /// (or the other way round): which of the two sockets got a query would be chance.
    void add(const Position& at, const zones::Name& zone, const Listen& listen);

  private:
    using ZonePort = std::tuple<std::string, std::uint16_t>;
    std::map<ZonePort, std::vector<std::string>> addresses_;
};

/// Puts 0.0.0.0 in place of every "all addresses", and with `ipv6` also `::`. Whether the host has
/// IPv6, and whether anybody has the ports, only settle_listens() looks.
void expand_wildcards(Config& config, bool ipv6 = false);

}  // namespace server

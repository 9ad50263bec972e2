// How many TCP connections each client has, so that none has all of them.
// Knows addresses: a client is an IPv4 address, or an IPv6 prefix of 64 bits, of which a host may
// have all (RFC 4291 §2.5.4). Knows no sockets. Holds an entry for each client with a connection;
// one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "server/client.h"

namespace server {

class ClientShares {
  public:
    using Key = std::uint64_t;
    static Key key_of(const Client::Peer& peer);

    std::size_t of(Key client) const {
        const auto at = counts_.find(client);
        return at == counts_.end() ? 0 : at->second;
    }
    void add(Key client) { ++counts_[client]; }
    /// It has one.
    void remove(Key client);

  private:
    // At most as many as there are connections. A tree: who has many addresses could choose some
    // that collide.
    std::map<Key, std::size_t> counts_;
};

}  // namespace server

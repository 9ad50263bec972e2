#include "server/client_shares.h"

#include <cstring>

namespace server {

/// An IPv4 address stands where no unicast prefix can begin.
ClientShares::Key ClientShares::key_of(const Client::Peer& peer) {
    if (peer.any.sa_family == AF_INET) {
        return peer.v4.sin_addr.s_addr;
    }
    const in6_addr& v6 = peer.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        std::uint32_t v4 = 0;
        std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
        return v4;
    }
    std::uint64_t prefix = 0;
    std::memcpy(&prefix, v6.s6_addr, sizeof prefix);
    return prefix;
}

void ClientShares::remove(Key client) {
    const auto at = counts_.find(client);
    if (--at->second == 0) {
        counts_.erase(at);
    }
}

}  // namespace server

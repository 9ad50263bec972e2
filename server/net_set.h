// Networks, and whether a client's address is in one of them.
// Knows addresses of clients; knows nothing of what a network is for. Made at load, immutable
// after; any thread may read. A look-up is a binary search, and allocates nothing.
#pragma once

#include <optional>
#include <vector>

#include "server/client.h"
#include "zones/address.h"

namespace server {

/// The addresses that share their first `bits` bits with `first`.
struct Net {
    zones::Address first;
    unsigned bits = 0;
    bool operator==(const Net&) const = default;
};

/// An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291 §2.5.5.2); nullopt for other families.
std::optional<zones::Address> address_of(const Client::Peer& peer);

/// The network of that many bits that a client is in, of an IPv4 or an IPv6 address.
Net net_of(const Client::Peer& peer, unsigned v4_bits, unsigned v6_bits);

class NetSet {
  public:
    NetSet() = default;
    explicit NetSet(const std::vector<Net>& nets);

    bool empty() const { return v4_.empty() && v6_.empty(); }
    bool contains(const zones::Address& address) const;

  private:
    template <typename Ip>
    struct Range {
        Ip first;
        Ip last;
    };
    template <typename Ip>
    static std::vector<Range<Ip>> ranges_of(const std::vector<Net>& nets);
    template <typename Ip>
    static bool contains(const std::vector<Range<Ip>>& ranges, const Ip& address);

    std::vector<Range<zones::Ipv4>> v4_;  // sorted, apart from each other
    std::vector<Range<zones::Ipv6>> v6_;
};

}  // namespace server

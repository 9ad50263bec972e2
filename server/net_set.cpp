#include "server/net_set.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace server {
namespace {

/// The address with all bits from `bits` on clear.
template <typename Ip>
Ip first_address(Ip address, unsigned bits) {
    for (unsigned bit = bits; bit < address.octets.size() * 8; ++bit) {
        address.octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
    }
    return address;
}

}  // namespace

std::optional<zones::Address> address_of(const Client::Peer& peer) {
    if (peer.any.sa_family == AF_INET) {
        zones::Ipv4 v4;
        std::memcpy(v4.octets.data(), &peer.v4.sin_addr, v4.octets.size());
        return v4;
    }
    if (peer.any.sa_family != AF_INET6) {
        return std::nullopt;
    }
    const in6_addr& address = peer.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        zones::Ipv4 v4;
        std::memcpy(v4.octets.data(), address.s6_addr + 12, v4.octets.size());
        return v4;
    }
    zones::Ipv6 v6;
    std::memcpy(v6.octets.data(), address.s6_addr, v6.octets.size());
    return v6;
}

Net net_of(const Client::Peer& peer, unsigned v4_bits, unsigned v6_bits) {
    const auto address = address_of(peer).value_or(zones::Ipv4{});
    if (const auto* v6 = std::get_if<zones::Ipv6>(&address)) {
        return {first_address(*v6, v6_bits), v6_bits};
    }
    return {first_address(std::get<zones::Ipv4>(address), v4_bits), v4_bits};
}

NetSet::NetSet(const std::vector<Net>& nets)
    : v4_(ranges_of<zones::Ipv4>(nets)), v6_(ranges_of<zones::Ipv6>(nets)) {}

template <typename Ip>
std::vector<NetSet::Range<Ip>> NetSet::ranges_of(const std::vector<Net>& nets) {
    std::vector<Range<Ip>> all;
    for (const Net& net : nets) {
        if (const auto* address = std::get_if<Ip>(&net.first)) {
            const zones::Address last = zones::last_of({*address, net.bits});
            all.push_back({first_address(*address, net.bits), std::get<Ip>(last)});
        }
    }
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Range<Ip>> apart;
    for (const Range<Ip>& range : all) {
        // Of two networks that meet, one holds the other.
        if (apart.empty() || apart.back().last < range.first) {
            apart.push_back(range);
        } else {
            apart.back().last = std::max(apart.back().last, range.last);
        }
    }
    return apart;
}

template <typename Ip>
bool NetSet::contains(const std::vector<Range<Ip>>& ranges, const Ip& address) {
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), address,
                         [](const Ip& a, const Range<Ip>& range) { return a < range.first; });
    return after != ranges.begin() && address <= std::prev(after)->last;
}

bool NetSet::contains(const zones::Address& address) const {
    const auto* v4 = std::get_if<zones::Ipv4>(&address);
    return v4 != nullptr ? contains(v4_, *v4) : contains(v6_, std::get<zones::Ipv6>(address));
}

}  // namespace server

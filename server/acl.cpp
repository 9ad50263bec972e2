#include "server/acl.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace server {
namespace {

std::optional<zones::Address> address_of(const Client& client) {
    if (client.peer.any.sa_family == AF_INET) {
        zones::Ipv4 v4;
        std::memcpy(v4.octets.data(), &client.peer.v4.sin_addr, v4.octets.size());
        return v4;
    }
    if (client.peer.any.sa_family != AF_INET6) {
        return std::nullopt;
    }
    const in6_addr& peer = client.peer.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&peer)) {  // RFC 4291 §2.5.5.2
        zones::Ipv4 v4;
        std::memcpy(v4.octets.data(), peer.s6_addr + 12, v4.octets.size());
        return v4;
    }
    zones::Ipv6 v6;
    std::memcpy(v6.octets.data(), peer.s6_addr, v6.octets.size());
    return v6;
}

/// The address with all bits from `bits` on clear.
template <typename Ip>
Ip first_of(Ip address, unsigned bits) {
    for (unsigned bit = bits; bit < address.octets.size() * 8; ++bit) {
        address.octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
    }
    return address;
}

}  // namespace

AccessList::AccessList(const std::vector<AclConfig>& stanzas) {
    for (const AclConfig& config : stanzas) {
        Stanza stanza;
        for (const zones::Name& zone : config.zones) {
            stanza.zones.add(zone, 0);
        }
        for (const AclRule& rule : config.rules) {
            stanza.rules.push_back(make_rule(rule));
        }
        stanzas_.push_back(std::move(stanza));
    }
}

AccessList::Rule AccessList::make_rule(const AclRule& config) {
    Rule rule;
    rule.action = config.action;
    rule.types = config.types;
    std::sort(rule.types.begin(), rule.types.end());
    rule.every_client = config.nets.empty();
    rule.v4 = ranges_of<zones::Ipv4>(config.nets);
    rule.v6 = ranges_of<zones::Ipv6>(config.nets);
    return rule;
}

template <typename Ip>
std::vector<AccessList::Range<Ip>> AccessList::ranges_of(const std::vector<Net>& nets) {
    std::vector<Range<Ip>> all;
    for (const Net& net : nets) {
        if (const auto* address = std::get_if<Ip>(&net.first)) {
            const zones::Address last = zones::last_of({*address, net.bits});
            all.push_back({first_of(*address, net.bits), std::get<Ip>(last)});
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
bool AccessList::contains(const std::vector<Range<Ip>>& ranges, const Ip& address) {
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), address,
                         [](const Ip& a, const Range<Ip>& range) { return a < range.first; });
    return after != ranges.begin() && address <= std::prev(after)->last;
}

bool AccessList::matches(const Rule& rule, std::uint16_t qtype, const zones::Address& address) {
    if (!rule.types.empty() && !std::binary_search(rule.types.begin(), rule.types.end(), qtype)) {
        return false;
    }
    if (rule.every_client) {
        return true;
    }
    const auto* v4 = std::get_if<zones::Ipv4>(&address);
    return v4 != nullptr ? contains(rule.v4, *v4)
                         : contains(rule.v6, std::get<zones::Ipv6>(address));
}

AclRule::Action AccessList::decide(const zones::LoweredName& qname, std::uint16_t qtype,
                                   const Client& client) const {
    const auto address = address_of(client);
    for (const Stanza& stanza : stanzas_) {
        if (!stanza.zones.empty() && !stanza.zones.find(qname)) {
            continue;
        }
        if (!address) {
            return Action::Block;  // as with CoreDNS
        }
        const auto rule = std::find_if(stanza.rules.begin(), stanza.rules.end(),
                                       [&](const Rule& r) { return matches(r, qtype, *address); });
        if (rule != stanza.rules.end()) {
            return rule->action;
        }
    }
    return Action::Allow;
}

}  // namespace server

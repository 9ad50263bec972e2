#include "server/acl.h"

#include <algorithm>

#include "server/zone_set.h"

namespace server {

AccessList::AccessList(const std::vector<AclConfig>& stanzas) {
    for (const AclConfig& config : stanzas) {
        Stanza stanza;
        stanza.zones = zone_set(config.zones);
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
    rule.nets = NetSet(config.nets);
    return rule;
}

bool AccessList::matches(const Rule& rule, std::uint16_t qtype, const zones::Address& address) {
    if (!rule.types.empty() && !std::binary_search(rule.types.begin(), rule.types.end(), qtype)) {
        return false;
    }
    return rule.every_client || rule.nets.contains(address);
}

AclRule::Action AccessList::decide(const zones::LoweredName& qname, std::uint16_t qtype,
                                   const Client& client) const {
    const auto address = address_of(client.peer);
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

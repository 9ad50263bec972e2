// Who may ask what: the `acl` lines of one server block.
// Knows client addresses, names and types; knows no messages. Made at load, immutable after; all
// workers share it. A decision allocates nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/client.h"
#include "server/net_set.h"
#include "zones/zone_table.h"

namespace server {

struct AclRule {
    enum class Action : std::uint8_t { Allow, Block, Filter, Drop };
    Action action = Action::Block;
    std::vector<std::uint16_t> types;  // empty: every type
    std::vector<Net> nets;             // empty: every client
};

/// One `acl` line with its block.
struct AclConfig {
    std::vector<zones::Name> zones;  // empty: every name of the server block
    std::vector<AclRule> rules;
};

class AccessList {
  public:
    using Action = AclRule::Action;

    /// The stanzas of one server block, in order.
    explicit AccessList(const std::vector<AclConfig>& stanzas);

    /// What becomes of that client's question: as the first rule says that matches, in the first
    /// of the stanzas whose zones hold the name that has one. Allow if there is none. A client
    /// whose address is of no family that rules know is blocked where a stanza holds the name; an
    /// IPv4-mapped IPv6 address is the IPv4 address.
    AclRule::Action decide(const zones::LoweredName& qname, std::uint16_t qtype,
                           const Client& client) const;

  private:
    struct Rule {
        AclRule::Action action = AclRule::Action::Block;
        std::vector<std::uint16_t> types;  // sorted; empty: every type
        bool every_client = false;
        NetSet nets;
    };
    struct Stanza {
        zones::ZoneTable zones;  // empty: every name
        std::vector<Rule> rules;
    };

    static Rule make_rule(const AclRule& config);
    static bool matches(const Rule& rule, std::uint16_t qtype, const zones::Address& address);

    std::vector<Stanza> stanzas_;
};

}  // namespace server

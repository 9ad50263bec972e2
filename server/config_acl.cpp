#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"
#include "zones/presentation.h"

namespace server {
namespace {

constexpr std::string_view kSections[] = {"net", "type"};

bool is_section(const std::string& word) {
    const std::string lowered = zones::to_lower(word);
    return lowered == kSections[0] || lowered == kSections[1];
}

AclRule::Action read_action(const Directive& line) {
    using Action = AclRule::Action;
    static constexpr std::string_view kNames[] = {"allow", "block", "drop", "filter"};
    static constexpr Action kValues[] = {Action::Allow, Action::Block, Action::Drop,
                                         Action::Filter};
    const auto* const name =
        std::find(std::begin(kNames), std::end(kNames), zones::to_lower(line.name));
    if (name == std::end(kNames)) {
        fail(line.at, "unknown action of acl", line.name, kNames);
    }
    return kValues[name - std::begin(kNames)];
}

std::uint16_t read_type(const Directive& line, const std::string& text) {
    static constexpr std::string_view kKnown[] = {
        "*",      "A",   "AAAA", "ANY", "CNAME", "HTTPS", "MX",
        "NS",     "PTR", "SOA",  "SRV", "SVCB",  "TXT",   "all others of IANA's registry",
        "TYPEnnn"};
    const auto type = zones::parse_type(text);
    if (!type) {
        fail(line.at, "not a type of record", text, kKnown);
    }
    return *type;
}

Net read_net(const Directive& line, const std::string& text) {
    static constexpr std::string_view kKnown[] = {"*", "ADDRESS", "ADDRESS/BITS"};
    const auto net = parse_net(text);
    if (!net) {
        fail(line.at, "not a network of acl", text, kKnown);
    }
    return *net;
}

/// `allow|block|drop|filter [type T...|*] [net CIDR...|*]`, each section as often as one likes.
AclRule read_rule(const Directive& line) {
    expect_no_block(line);
    AclRule rule;
    rule.action = read_action(line);
    bool all_types = false;
    bool all_nets = false;
    for (auto word = line.args.begin(); word != line.args.end();) {
        if (!is_section(*word)) {
            fail(line.at, "unknown section of " + line.name, *word, kSections);
        }
        const bool types = zones::to_lower(*word) == "type";
        const auto first = ++word;
        word = std::find_if(first, line.args.end(), is_section);
        if (first == word) {
            fail(line.at, "nothing stands in a section of " + line.name, *(first - 1));
        }
        for (auto value = first; value != word; ++value) {
            if (*value == "*") {
                (types ? all_types : all_nets) = true;
            } else if (types) {
                rule.types.push_back(read_type(line, *value));
            } else {
                rule.nets.push_back(read_net(line, *value));
            }
        }
    }
    if (all_types) {
        rule.types.clear();
    }
    if (all_nets) {
        rule.nets.clear();
    }
    return rule;
}

}  // namespace

AclConfig read_acl(const Directive& directive) {
    AclConfig config;
    config.zones = read_zones(directive.at, directive.args);
    for (const Directive& line : directive.block) {
        config.rules.push_back(read_rule(line));
    }
    return config;
}

}  // namespace server

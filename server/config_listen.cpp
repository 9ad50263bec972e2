#include "server/config_listen.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace server {
namespace {

std::string zone_and_listen(const zones::Name& zone, const Listen& listen) {
    std::string text = "dns://" + zone.to_string() + ":" + std::to_string(listen.port);
    return listen.address.empty() ? text : text + " on " + listen.address;
}

}  // namespace

void ListenRegister::add(const Position& at, const zones::Name& zone, const Listen& listen) {
    auto& taken = addresses_[{zone.to_string(), listen.port}];
    if (std::find(taken.begin(), taken.end(), listen.address) != taken.end()) {
        fail(at, "cannot serve " + zone_and_listen(zone, listen) + " - it is already defined");
    }
    const bool overlap = listen.address.empty()
                             ? !taken.empty()
                             : std::find(taken.begin(), taken.end(), "") != taken.end();
    if (overlap) {
        fail(at, "cannot serve " + zone_and_listen(zone, listen) +
                     " - zone overlap listener capacity with " +
                     zone_and_listen(zone, {taken.back(), listen.port}));
    }
    taken.push_back(listen.address);
}

void expand_wildcards(Config& config, bool ipv6) {
    for (ServerBlock& block : config.blocks) {
        for (ZoneKey& key : block.keys) {
            std::vector<Listen> expanded;
            for (const Listen& listen : key.listens) {
                if (!listen.address.empty()) {
                    expanded.push_back(listen);
                    continue;
                }
                expanded.push_back({"0.0.0.0", listen.port, true});
                if (ipv6) {
                    expanded.push_back({"::", listen.port, true});
                }
            }
            key.listens = std::move(expanded);
        }
    }
}

}  // namespace server

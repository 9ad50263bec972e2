#include "server/config_listen.h"

#include <algorithm>

namespace server {
namespace {

std::string described(const zones::Name& zone, const Listen& listen) {
    std::string text = "dns://" + zone.to_string() + ":" + std::to_string(listen.port);
    return listen.address.empty() ? text : text + " on " + listen.address;
}

}  // namespace

void ListenRegister::add(const Position& at, const zones::Name& zone, const Listen& listen) {
    auto& taken = addresses_[{zone.to_string(), listen.port}];
    if (std::find(taken.begin(), taken.end(), listen.address) != taken.end()) {
        fail(at, "cannot serve " + described(zone, listen) + " - it is already defined");
    }
    const bool overlap = listen.address.empty()
                             ? !taken.empty()
                             : std::find(taken.begin(), taken.end(), "") != taken.end();
    if (overlap) {
        fail(at, "cannot serve " + described(zone, listen) +
                     " - zone overlap listener capacity with " +
                     described(zone, {taken.back(), listen.port}));
    }
    taken.push_back(listen.address);
}

void expand_wildcards(Config& config) {
    for (ServerBlock& block : config.blocks) {
        for (ZoneKey& key : block.keys) {
            for (Listen& listen : key.listens) {
                if (listen.address.empty()) {
                    listen = {"0.0.0.0", listen.port, true};
                }
            }
        }
    }
}

}  // namespace server

#include "server/routing.h"

#include <algorithm>

namespace server {
namespace {

Route& route_for(Routing& routing, const Listen& listen) {
    const auto known = std::find_if(routing.routes.begin(), routing.routes.end(),
                                    [&](const Route& r) { return r.listen == listen; });
    if (known != routing.routes.end()) {
        return *known;
    }
    routing.routes.push_back({listen, {}});
    return routing.routes.back();
}

}  // namespace

Routing make_routing(const Config& config, const std::vector<zones::Address>& listening,
                     zones::HashKey key) {
    Routing routing;
    for (const ServerBlock& server_block : config.blocks) {
        Block block;
        block.config = &server_block;
        block.first_forwarder = routing.forwards.size();
        for (const ForwardConfig& forward : server_block.forwards) {
            routing.forwards.push_back(&forward);
        }
        if (server_block.kubernetes) {
            block.cluster_index = routing.clusters.size();
            routing.clusters.push_back(
                std::make_unique<Cluster>(server_block.kubernetes->options, listening, key));
            block.cluster = routing.clusters.back().get();
        }
        for (const ZoneKey& zone_key : server_block.keys) {
            for (const Listen& listen : zone_key.listens) {
                route_for(routing, listen).zones.add(zone_key.zone, routing.blocks.size());
            }
        }
        routing.blocks.push_back(block);
    }
    return routing;
}

}  // namespace server

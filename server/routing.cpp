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

/// A probe must be a name that the upstream is asked for, and that comes back to this block: one
/// below both the line's FROM and a zone of the block.
std::optional<zones::Name> loop_zone(const ServerBlock& block, const ForwardConfig& forward) {
    if (!block.loop) {
        return std::nullopt;
    }
    for (const ZoneKey& key : block.keys) {
        if (key.zone.is_at_or_below(forward.from)) {
            return key.zone;
        }
        if (forward.from.is_at_or_below(key.zone)) {
            return forward.from;
        }
    }
    return std::nullopt;
}

void add_forwards(const ServerBlock& config, Block& block, Routing& routing) {
    block.first_forwarder = routing.forwards.size();
    for (const ForwardConfig& forward : config.forwards) {
        routing.forwards.push_back({&forward, loop_zone(config, forward)});
    }
}

/// Moves `value` into `owners`, and returns where it is.
template <typename T, typename Value>
T* keep(std::vector<std::unique_ptr<T>>& owners, std::unique_ptr<Value> value) {
    owners.push_back(std::move(value));
    return owners.back().get();
}

void add_plugins(const ServerBlock& config, Block& block, Routing& routing,
                 const RoutingNotices& notices) {
    if (!config.acl.empty()) {
        block.acl = keep(routing.acls, std::make_unique<AccessList>(config.acl));
    }
    if (!config.rewrites.empty()) {
        block.rewrites = keep(routing.rewrites, std::make_unique<Rewrites>(config.rewrites));
    }
    if (!config.templates.empty()) {
        block.templates = keep(routing.templates, std::make_unique<Templates>(config.templates));
    }
    if (config.hosts) {
        std::string notice;
        block.hosts_index = routing.hosts.size();
        block.hosts = keep(routing.hosts, std::make_unique<Hosts>(*config.hosts, notice));
        if (!notice.empty() && notices.at_load) {
            notices.at_load(notice);
        }
    }
}

}  // namespace

Routing make_routing(const Config& config, const std::vector<zones::Address>& listening,
                     zones::HashKey key, const RoutingNotices& notices) {
    Routing routing;
    routing.told_down = notices.down;
    for (const ServerBlock& server_block : config.blocks) {
        Block block;
        block.config = &server_block;
        add_forwards(server_block, block, routing);
        add_plugins(server_block, block, routing, notices);
        if (server_block.kubernetes) {
            block.cluster_index = routing.clusters.size();
            block.cluster =
                keep(routing.clusters,
                     std::make_unique<Cluster>(server_block.kubernetes->options, listening, key));
        }
        if (server_block.cache) {
            block.cache =
                keep(routing.caches, std::make_unique<BlockCache>(*server_block.cache, key));
        }
        if (server_block.loop && routing.loops == nullptr) {
            routing.loops = std::make_unique<resolver::LoopWatch>(notices.loop);
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

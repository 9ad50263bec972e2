#include "server/routing.h"

#include <algorithm>

#include "server/sockets.h"
#include "server/top_counts.h"

namespace server {
namespace {

Route& route_for(Routing& routing, const Listen& listen) {
    const auto known = std::find_if(routing.routes.begin(), routing.routes.end(),
                                    [&](const Route& r) { return r.listen == listen; });
    if (known != routing.routes.end()) {
        return *known;
    }
    routing.routes.push_back({listen, {}, {}});
    return routing.routes.back();
}

void add_timeouts(const ServerBlock& block, Route& route) {
    if (!block.timeouts) {
        return;
    }
    const TimeoutsConfig& given = *block.timeouts;
    TimeoutsConfig& timeouts = route.timeouts;
    timeouts.read = given.read ? given.read : timeouts.read;
    timeouts.write = given.write ? given.write : timeouts.write;
    timeouts.idle = given.idle ? given.idle : timeouts.idle;
    timeouts.queries = given.queries != 0 ? given.queries : timeouts.queries;
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

/// The cluster of a block of `running` that says the same of it, if no other block has taken it.
std::shared_ptr<Cluster> running_cluster(const Routing& running, const KubernetesConfig& config,
                                         const Routing& routing) {
    for (const Block& block : running.blocks) {
        if (block.cluster == nullptr || block.config->kubernetes->written != config.written) {
            continue;
        }
        const auto& cluster = running.clusters[block.cluster_index];
        if (std::ranges::find(routing.clusters, cluster) == routing.clusters.end()) {
            return cluster;
        }
    }
    return nullptr;
}

/// What is cached is worth as much as the upstreams that said it: these must be the same, too.
std::shared_ptr<BlockCache> running_cache(const Routing& running, const CacheConfig& config,
                                          const Routing& routing) {
    for (const auto& cache : running.caches) {
        if (cache->written() == config.written &&
            std::ranges::find(routing.caches, cache) == routing.caches.end()) {
            return cache;
        }
    }
    return nullptr;
}

void add_stores(const ServerBlock& config, Block& block, Routing& routing, zones::HashKey key,
                const Routing* running) {
    if (config.kubernetes) {
        std::shared_ptr<Cluster> cluster;
        if (running != nullptr && running->listening == routing.listening) {
            cluster = running_cluster(*running, *config.kubernetes, routing);
        }
        if (cluster == nullptr) {
            cluster = std::make_shared<Cluster>(config.kubernetes->options, routing.listening, key);
        }
        block.cluster_index = routing.clusters.size();
        block.cluster = cluster.get();
        routing.clusters.push_back(std::move(cluster));
    }
    if (config.cache) {
        std::shared_ptr<BlockCache> cache;
        if (running != nullptr) {
            cache = running_cache(*running, *config.cache, routing);
        }
        if (cache == nullptr) {
            cache = std::make_shared<BlockCache>(*config.cache, key);
        }
        block.cache = cache.get();
        routing.caches.push_back(std::move(cache));
    }
}

void add_limits(const ServerBlock& config, Block& block, Routing& routing, zones::HashKey key) {
    block.limits = config.rate_limit || config.response_limit;
    if (config.rate_limit) {
        block.rate_limit =
            keep(routing.rate_limits, std::make_unique<RateLimit>(*config.rate_limit, key));
    }
    if (config.response_limit) {
        block.response_limit = keep(routing.response_limits,
                                    std::make_unique<ResponseLimit>(*config.response_limit, key));
    }
}

void add_plugins(const ServerBlock& config, Block& block, Routing& routing,
                 const RoutingNotices& notices) {
    if (config.errors && notices.log != nullptr) {
        block.errors =
            keep(routing.error_logs, std::make_unique<ErrorLog>(*config.errors, *notices.log));
    }
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

std::string label_of(const Listen& listen) {
    return listen.of_every_address ? "dns://:" + std::to_string(listen.port) : to_string(listen);
}

std::string zones_label(const std::vector<zones::Name>& names) {
    std::string text;
    for (const zones::Name& name : names) {
        text += (text.empty() ? "" : ",") + name.to_string();
    }
    return text;
}

/// CoreDNS's label `zones`: those that `cache` names, else the block's.
std::string cache_zones(const ServerBlock& block) {
    std::vector<zones::Name> zones = block.cache->zones;
    if (zones.empty()) {
        for (const ZoneKey& key : block.keys) {
            zones.push_back(key.zone);
        }
    }
    return zones_label(zones);
}

/// `status`: the page has counts also of blocks without `prometheus`.
ServedZone served_zone(const ServerBlock& block, std::size_t index, const zones::Name& zone,
                       Route& route, Metrics* metrics, bool status) {
    ServedZone served{index};
    if (metrics == nullptr) {
        return served;
    }
    const std::string server = label_of(route.listen);
    if (const bool scraped = block.prometheus.has_value(); scraped || status) {
        served.series = &metrics->zone(server, zone.to_string(), scraped);
        route.no_zone = &metrics->zone(server, "dropped", scraped);
    }
    if (block.cache) {
        served.cache = &metrics->cache(server, cache_zones(block));
    }
    return served;
}

}  // namespace

const Route* Routing::find_route(const Listen& listen) const {
    const auto route = std::ranges::find(routes, listen, &Route::listen);
    return route == routes.end() ? nullptr : &*route;
}

Routing make_routing(const Config& config, const std::vector<zones::Address>& listening,
                     zones::HashKey key, const RoutingNotices& notices, const Routing* running) {
    Routing routing;
    routing.listening = listening;
    routing.told_down = notices.down;
    routing.says_why = std::ranges::any_of(config.blocks, &ServerBlock::extended_errors);
    routing.metrics = notices.metrics;
    routing.log = notices.log;
    if (config.status && notices.metrics != nullptr) {
        routing.top = running != nullptr && running->top != nullptr
                          ? running->top
                          : std::make_shared<Top>(notices.metrics->workers());
    }
    if (notices.log != nullptr) {
        routing.limit_log = std::make_unique<LimitLog>(*notices.log);
    }
    for (const ServerBlock& server_block : config.blocks) {
        Block block;
        block.config = &server_block;
        add_forwards(server_block, block, routing);
        add_limits(server_block, block, routing, key);
        add_plugins(server_block, block, routing, notices);
        add_stores(server_block, block, routing, key, running);
        if (server_block.loop && routing.loops == nullptr) {
            routing.loops = std::make_unique<resolver::LoopWatch>(notices.loop);
        }
        for (const ZoneKey& zone_key : server_block.keys) {
            for (const Listen& listen : zone_key.listens) {
                Route& route = route_for(routing, listen);
                route.zones.add(zone_key.zone, routing.served.size());
                routing.served.push_back(served_zone(server_block, routing.blocks.size(),
                                                     zone_key.zone, route, notices.metrics,
                                                     config.status.has_value()));
                add_timeouts(server_block, route);
            }
        }
        if (server_block.shape) {
            routing.udp_reply_size = std::max(routing.udp_reply_size, server_block.shape->udp_size);
        }
        routing.blocks.push_back(block);
    }
    return routing;
}

}  // namespace server

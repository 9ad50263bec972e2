// Which server block answers which name on which listener.
// Built from the configuration at load, immutable after; all workers share it. Owns the clusters,
// caches and what plugins have made of their lines; knows nothing of sockets or messages.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "resolver/loop_watch.h"
#include "server/acl.h"
#include "server/block_cache.h"
#include "server/cluster.h"
#include "server/config.h"
#include "server/hosts.h"
#include "server/rewrites.h"
#include "server/templates.h"
#include "zones/zone_table.h"

namespace server {

/// A server block as the query pipeline needs it.
struct Block {
    const ServerBlock* config = nullptr;
    Cluster* cluster = nullptr;       // null without `kubernetes`
    std::size_t cluster_index = 0;    // among Routing::clusters
    BlockCache* cache = nullptr;      // null without `cache`
    std::size_t first_forwarder = 0;  // of its `forward` lines, among all of the process
    const AccessList* acl = nullptr;
    const Rewrites* rewrites = nullptr;
    const Templates* templates = nullptr;
    Hosts* hosts = nullptr;
    std::size_t hosts_index = 0;  // among Routing::hosts
};

/// A `forward` line as a worker needs it.
struct ForwardLine {
    const ForwardConfig* config = nullptr;
    std::optional<zones::Name> loop_zone;  // under which its upstreams are probed for loops
};

/// One address and port, with the zones served there.
struct Route {
    Listen listen;
    zones::ZoneTable zones;  // value: index into Routing::blocks
};

struct Routing {
    std::vector<Block> blocks;
    std::vector<Route> routes;
    std::vector<std::unique_ptr<Cluster>> clusters;
    std::vector<std::unique_ptr<BlockCache>> caches;
    std::vector<ForwardLine> forwards;  // of all blocks
    std::vector<std::unique_ptr<const AccessList>> acls;
    std::vector<std::unique_ptr<const Rewrites>> rewrites;
    std::vector<std::unique_ptr<const Templates>> templates;
    std::vector<std::unique_ptr<Hosts>> hosts;
    std::unique_ptr<resolver::LoopWatch> loops;  // null without `loop`
    std::function<void(const resolver::Upstream& upstream, bool down)> told_down;
    std::size_t max_pending = 10'000;  // of each worker: queries that wait for upstreams
};

/// What make_routing() has to say, and what is to be said later. Null functions: nobody listens.
struct RoutingNotices {
    std::function<void(const std::string&)> at_load;
    resolver::LoopWatch::Told loop;
    std::function<void(const resolver::Upstream& upstream, bool down)> down;
};

/// `config` must outlive the result. Its listens are final: no empty address, no port 0.
/// `listening`: what ns.dns.<zone> stands for without a DNS Service. Throws ConfigError for what
/// shows up only when patterns and records are put together.
Routing make_routing(const Config& config, const std::vector<zones::Address>& listening,
                     zones::HashKey key, const RoutingNotices& notices = {});

}  // namespace server

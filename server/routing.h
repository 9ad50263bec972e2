// Which server block answers which name on which listener.
// Built from the configuration at load, immutable after; all workers share it. Owns what plugins
// have made of their lines; shares clusters and caches with the routing that a reload makes of a
// Corefile in which they are unchanged. Knows nothing of sockets or messages.
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
#include "server/limit_log.h"
#include "server/metrics.h"
#include "server/rewrites.h"
#include "server/templates.h"
#include "zones/zone_table.h"

namespace server {

class Top;

/// A server block as the query pipeline needs it.
struct Block {
    const ServerBlock* config = nullptr;
    Cluster* cluster = nullptr;       // null without `kubernetes`
    std::size_t cluster_index = 0;    // among Routing::clusters
    BlockCache* cache = nullptr;      // null without `cache`
    std::size_t first_forwarder = 0;  // of its `forward` lines, among all of the process
    ErrorLog* errors = nullptr;       // null without `errors`
    bool limits = false;              // one of the next two is there
    RateLimit* rate_limit = nullptr;
    ResponseLimit* response_limit = nullptr;
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

/// A zone of a block as it is served at one address. What is counted is null without metrics.
struct ServedZone {
    std::size_t block = 0;         // index into Routing::blocks
    ZoneSeries* series = nullptr;  // null without `prometheus` or `status`
    CacheSeries* cache = nullptr;  // null for a block without `cache`
};

/// One address and port, with the zones served there.
struct Route {
    Listen listen;
    zones::ZoneTable zones;         // value: index into Routing::served
    TimeoutsConfig timeouts;        // of its connections; of several blocks the last decides
    ZoneSeries* no_zone = nullptr;  // for queries in none of them; null without either
};

struct Routing {
    /// Null if nothing is served there.
    const Route* find_route(const Listen& listen) const;

    std::vector<Block> blocks;
    std::vector<ServedZone> served;
    std::vector<Route> routes;
    std::size_t udp_reply_size = zones::kUdpSize;  // the most that any block has over UDP
    std::vector<std::shared_ptr<Cluster>> clusters;
    std::vector<std::shared_ptr<BlockCache>> caches;
    std::vector<zones::Address> listening;  // what the clusters answer for ns.dns
    std::vector<ForwardLine> forwards;      // of all blocks
    std::vector<std::unique_ptr<RateLimit>> rate_limits;
    std::vector<std::unique_ptr<ResponseLimit>> response_limits;
    std::vector<std::unique_ptr<const AccessList>> acls;
    std::vector<std::unique_ptr<const Rewrites>> rewrites;
    std::vector<std::unique_ptr<const Templates>> templates;
    std::vector<std::unique_ptr<Hosts>> hosts;
    std::vector<std::unique_ptr<ErrorLog>> error_logs;
    std::unique_ptr<LimitLog> limit_log;         // null where nobody reads
    Metrics* metrics = nullptr;                  // null: nobody counts
    std::shared_ptr<Top> top;                    // null without `status`
    LogSink* log = nullptr;                      // null: nobody reads
    std::unique_ptr<resolver::LoopWatch> loops;  // null without `loop`
    std::function<void(const resolver::Upstream& upstream, bool down)> told_down;
    bool says_why = true;              // of what is in no block: false if all blocks have `ede off`
    std::size_t max_pending = 10'000;  // of each worker: queries that wait for upstreams
};

/// What make_routing() has to say, and what is to be said later. Null functions: nobody listens.
struct RoutingNotices {
    Metrics* metrics = nullptr;  // null: nobody counts; outlives the routing
    LogSink* log = nullptr;      // for the lines of `log` and `errors`; outlives the routing
    std::function<void(const std::string&)> at_load{};
    resolver::LoopWatch::Told loop{};
    std::function<void(const resolver::Upstream& upstream, bool down)> down{};
};

/// `config` must outlive the result. Clusters and caches of `running` whose part of the Corefile
/// has not changed are taken over. Its listens are final: no empty address, no port 0. `listening`:
/// what ns.dns.<zone> stands for without a DNS Service. Throws ConfigError for what shows up only
/// when patterns and records are put together.
Routing make_routing(const Config& config, const std::vector<zones::Address>& listening,
                     zones::HashKey key, const RoutingNotices& notices = {},
                     const Routing* running = nullptr);

}  // namespace server

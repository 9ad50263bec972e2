// One load of the Corefile, complete: what it says, what was made of it, and what feeds that.
// A reload makes a second one beside the first, which takes over the clusters, with their sources,
// and the caches that are the same in both. Made and destroyed on the main thread; immutable
// between, but for what clusters, caches and hosts publish.
#pragma once

#include <memory>
#include <vector>

#include "server/cluster_source.h"
#include "server/config.h"
#include "server/hosts_reloader.h"
#include "server/operator_log.h"
#include "server/routing.h"

namespace server {

struct Instance {
    Config config;
    Routing routing;                                      // borrows from config
    std::vector<std::shared_ptr<ClusterSource>> sources;  // by Routing::clusters
    std::unique_ptr<HostsReloader> hosts_reloader;
    Metrics::Reading reading;  // of the routing
};

/// `config` is settled (sockets.h). Sources that are not taken over from `running` begin their
/// work. Throws ConfigError or ManifestError.
std::shared_ptr<Instance> make_instance(Config config, zones::HashKey key,
                                        const RoutingNotices& notices, OperatorLog& log,
                                        const Instance* running = nullptr);

}  // namespace server

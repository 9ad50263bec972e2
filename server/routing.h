// Which server block answers which name on which listener.
// Built from the configuration at load, immutable after; all workers share it. Owns the clusters;
// knows nothing of sockets or messages.
#pragma once

#include <memory>
#include <vector>

#include "server/cluster.h"
#include "server/config.h"
#include "zones/zone_table.h"

namespace server {

/// A server block as the query pipeline needs it.
struct Block {
    const ServerBlock* config = nullptr;
    Cluster* cluster = nullptr;       // null without `kubernetes`
    std::size_t cluster_index = 0;    // among Routing::clusters
    std::size_t first_forwarder = 0;  // of its `forward` lines, among all of the process
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
    std::vector<const ForwardConfig*> forwards;  // of all blocks
};

/// `config` must outlive the result. Its listens are final: no empty address, no port 0.
/// `listening`: what ns.dns.<zone> stands for without a DNS Service.
Routing make_routing(const Config& config, const std::vector<zones::Address>& listening,
                     zones::HashKey key);

}  // namespace server

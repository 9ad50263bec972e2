// What a routing shows at a scrape that no worker counts: caches, hosts files, loops, plugins.
// Functions of a routing, which is immutable but for what these publish; any thread.
#pragma once

#include <vector>

#include "server/rare_metrics.h"
#include "server/routing.h"

namespace server {

/// Appends.
void read_routing(const Routing& routing, std::vector<Sample>& samples);

/// The labels of coredns_plugin_enabled: for each zone of a block with `prometheus`.
std::vector<Labels> enabled_plugins(const Routing& routing);

}  // namespace server

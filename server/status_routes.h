// Which path of `status` says what. A new list is a line in status_routes.cpp; the page has
// its own, page_routes.h.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "server/instance.h"
#include "server/metrics.h"
#include "server/status_reply.h"
#include "server/traffic_history.h"

namespace server {

/// Where the routes look; all of it outlives them.
struct StatusSources {
    /// What is being served now, to be let go of with the reply. Any thread; never null once there
    /// is a listener.
    std::function<std::shared_ptr<const Instance>()> instance;
    const Metrics& metrics;
    const TrafficHistory& history;
    std::chrono::steady_clock::time_point started;
};

StatusRoutes status_routes(const StatusSources& sources);

}  // namespace server

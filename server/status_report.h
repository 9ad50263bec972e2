// What the process knows of itself: gathered once, then written as JSON (`/api/status`) or HTML.
// Reads what others keep: an instance, the metrics. Values and free functions; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "server/instance.h"
#include "server/metrics.h"

namespace server {

struct StatusReport {
    struct Cluster {
        std::vector<std::string> zones{};
        bool from_api = false;
        bool synced = false, stale = false;
        std::size_t services = 0, namespaces = 0;
        std::uint32_t serial = 0;
        std::optional<double> last_change{};                            // seconds ago; none: never
        std::vector<k8s_client::ApiSource::ResourceState> resources{};  // of the API
    };
    struct Cache {
        Labels labels{};  // server, zones
        std::size_t successes = 0, denials = 0;
        std::size_t success_capacity = 0, denial_capacity = 0;
        Metrics::CacheTotals counts{};
    };

    double uptime = 0;  // seconds
    std::size_t workers = 0;
    std::vector<Cluster> clusters{};
    std::vector<Metrics::UpstreamTotals> upstreams{};  // that this instance asks
    std::vector<Cache> caches{};
    Metrics::Totals totals{};
};

StatusReport status_report(const Instance& instance, const Metrics& metrics,
                           std::chrono::steady_clock::time_point started);

std::string status_json(const StatusReport& report);

}  // namespace server

// The Services of all clusters, filtered and in pages: what the page lists.
// Reads snapshots, which it keeps only while it reads. Free functions; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "zones/snapshot.h"

namespace server {

struct ServiceRow {
    std::string ns{}, name{};
    zones::ServiceRecords::Kind kind = zones::ServiceRecords::Kind::Nothing;
    bool answered = true;  // false: its namespace is not exposed, or it is ignored as empty
    std::vector<std::string> cluster_ips{};
    std::string target{};                  // of an ExternalName
    std::size_t ready = 0, endpoints = 0;  // of them all
    std::string zone{};                    // of its cluster: `cluster.local.`
};

struct ServiceFilter {
    /// Each of its words has to be in `name.namespace`, `namespace/name`, or at the beginning of a
    /// cluster IP.
    std::string words{};
    bool troubled = false;  // only those with endpoints that are missing or not ready
    std::size_t page = 1;   // beyond the last is the last
};

struct ServicePage {
    static constexpr std::size_t kRows = 25;

    std::vector<ServiceRow> rows{};  // by namespace and name
    std::size_t all = 0, troubled = 0, matching = 0;
    std::size_t page = 1, pages = 1;
    std::size_t first() const { return matching == 0 ? 0 : (page - 1) * kRows + 1; }
};

struct ClusterServices {
    std::string zone;
    std::shared_ptr<const zones::Snapshot> snapshot;
};

ServicePage list_services(const std::vector<ClusterServices>& clusters,
                          const ServiceFilter& filter);

/// Those that its names have: pods, not addresses; one of two families counts once.
std::size_t ready_endpoints(const zones::ServiceRecords& service);

/// It has none that is ready, or some that are not.
bool is_troubled(const zones::ServiceRecords& service);

}  // namespace server

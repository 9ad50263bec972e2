// What a name of a cluster zone would be the name of, whether that exists or not.
// Knows the grammar of cluster names (k8s-dns 1.1.0) and which Services and namespaces a snapshot
// has; decides nothing about answers (zones/locate.h does). Free functions and values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zones/cluster_options.h"
#include "zones/name.h"
#include "zones/snapshot.h"

namespace server {

struct ClusterName {
    enum class Below {
        Service,  // [front.]<service>.<ns>.svc
        Pod,      // [front.]<ns>.pod
        Other,    // the rest, reverse names included
    };

    zones::Name zone;
    bool reverse = false;  // of a reverse zone
    std::size_t zone_labels = 0;
    Below below = Below::Other;
    std::vector<std::string> front;  // from left to right; of Other all labels below the zone
    std::string service, ns;         // lower case, octets as in the name

    /// `_http`, `_tcp` without underscores; empty where there are none.
    std::string port() const;
    std::string protocol() const;
};

/// nullopt if `name` is in none of the zones.
std::optional<ClusterName> read_cluster_name(const zones::Name& name,
                                             const zones::ClusterOptions& options);

/// The first that is no reverse zone: what search lists are made of.
const zones::Name& primary_zone(const zones::ClusterOptions& options);

/// True if the Corefile names namespaces, and this is none of them.
bool leaves_out(const zones::ClusterOptions& options, std::string_view ns);

/// Null if the server has no such Service.
const zones::ServiceRecords* find_service(const zones::Snapshot& snapshot, std::string_view service,
                                          std::string_view ns);

/// Those that answer, sorted.
std::vector<std::string> services_in(const zones::Snapshot& snapshot, std::string_view ns);
std::vector<std::string> namespaces_with(const zones::Snapshot& snapshot, std::string_view service);

/// A label as people write it, without quotes.
std::string label_text(std::string_view label);

}  // namespace server

// What the `kubernetes` block of a Corefile decides about answers.
// Values, set once at load; every thread reads them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zones/name.h"

namespace zones {

enum class PodMode { Disabled, Insecure, Verified };

struct ClusterOptions {
    /// In the Corefile's order, lower case. At least one is not a reverse zone; the first such is
    /// the primary zone, which PTR targets are built from.
    std::vector<Name> zones;
    PodMode pods = PodMode::Disabled;
    std::uint32_t ttl = 5;  // seconds, 0 to 3600
    bool endpoint_pod_names = false;
    bool no_endpoints = false;
    bool ignore_empty_service = false;
    std::vector<std::string> namespaces;  // empty: all
    /// Zones in which a name error is the next plugin's to answer; the root stands for all.
    std::vector<Name> fallthrough;
    /// The Service whose cluster IPs are the addresses of ns.dns.<zone>.
    std::string nameserver_namespace = "kube-system";
    std::string nameserver_service = "kube-dns";
};

}  // namespace zones

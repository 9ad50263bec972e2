// A large cluster as changes for a store, and the names that are asked of it.
// Service I is svc-I in ns-(I % 100). One in five is headless with 20 endpoints that have host
// names, as a StatefulSet's; the others have a cluster IP and three endpoints. Beside them are
// Services of type ExternalName, ext-I, for www-I.example.org. Free functions; no state.
#pragma once

#include <string>
#include <vector>

#include "k8s_client/objects.h"

namespace bench {

inline constexpr unsigned kServices = 10'000;
inline constexpr unsigned kHeadlessEndpoints = 20;
/// Of each kind of question, so that no Service's place in the tables decides what it costs.
inline constexpr unsigned kSamples = 256;

std::vector<k8s_client::Change> large_cluster();

/// One EndpointSlice of Service `i` whose last endpoint has moved.
k8s_client::Change moved_endpoint(unsigned i, unsigned to);

/// The `k`-th Service with a cluster IP, of those that are asked; or without.
constexpr unsigned with_cluster_ip(unsigned k) {
    return 35 * k + 1;
}
constexpr unsigned headless(unsigned k) {
    return 35 * k;
}
static_assert(with_cluster_ip(kSamples - 1) < kServices);

/// "svc-7.ns-7.svc.cluster.local."
std::string service_name(unsigned i);
/// "ext-7.ns-7.svc.cluster.local."
std::string alias_name(unsigned i);
/// What an alias is for: "www-7.example.org."
std::string external_name(unsigned i);
/// "1.1.96.10.in-addr.arpa.", of the cluster IP.
std::string reverse_name(unsigned i);
/// "10-128-0-7.ns-7.pod.cluster.local."
std::string pod_name(unsigned i);

}  // namespace bench

// Services and their endpoints in one line each, as changes for a Cluster.
// Free functions; no state.
#pragma once

#include <string>
#include <vector>

#include "tests/support/objects.h"

namespace server::testing {

using k8s_client::Change;

/// The Namespace that Services need to exist in.
inline Change namespace_object(const std::string& name = "prod") {
    return support::applied(support::make_namespace(name));
}

inline Change cluster_ip(const std::string& ns, const std::string& name, const std::string& ip) {
    return support::applied(support::make_service(ns, name, {ip}, {{"http", "TCP", 80}}));
}

inline Change headless(const std::string& ns, const std::string& name) {
    return support::applied(support::make_headless(ns, name));
}

inline Change external_name(const std::string& ns, const std::string& name,
                            const std::string& target) {
    return support::applied(support::make_external(ns, name, target));
}

/// An EndpointSlice with these addresses, all ready.
inline Change endpoints(const std::string& ns, const std::string& service,
                        const std::vector<std::string>& addresses) {
    return support::applied(support::make_slice(
        ns, service + "-1", service, support::endpoints_at(addresses), {{"http", "TCP", 8080}}));
}

}  // namespace server::testing

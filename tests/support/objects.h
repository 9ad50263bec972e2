// Kubernetes objects in one line each, for tests.
// Knows objects.h and no more. Values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "k8s_client/objects.h"

namespace support {

using Strings = std::vector<std::string>;

inline k8s_client::ObjectMeta meta(const std::string& ns, const std::string& name) {
    return {ns, name, {}};
}

inline k8s_client::Namespace make_namespace(const std::string& name) {
    return {meta("", name)};
}

inline k8s_client::Service make_service(const std::string& ns, const std::string& name,
                                        Strings cluster_ips,
                                        std::vector<k8s_client::ServicePort> ports = {}) {
    k8s_client::Service service;
    service.meta = meta(ns, name);
    service.cluster_ips = std::move(cluster_ips);
    service.ports = std::move(ports);
    return service;
}

inline k8s_client::Service make_headless(const std::string& ns, const std::string& name) {
    auto service = make_service(ns, name, {});
    service.headless = true;
    return service;
}

inline k8s_client::Service make_external(const std::string& ns, const std::string& name,
                                         const std::string& target) {
    auto service = make_service(ns, name, {});
    service.type = k8s_client::ServiceType::ExternalName;
    service.external_name = target;
    return service;
}

inline k8s_client::Endpoint make_endpoint(const std::string& address,
                                          const std::string& hostname = "", bool ready = true) {
    return {{address}, ready, hostname, ""};
}

inline std::vector<k8s_client::Endpoint> endpoints_at(const Strings& addresses) {
    std::vector<k8s_client::Endpoint> endpoints;
    for (const auto& address : addresses) {
        endpoints.push_back(make_endpoint(address));
    }
    return endpoints;
}

inline k8s_client::EndpointSlice make_slice(const std::string& ns, const std::string& name,
                                            const std::string& service,
                                            std::vector<k8s_client::Endpoint> endpoints,
                                            std::vector<k8s_client::EndpointPort> ports = {}) {
    return {meta(ns, name), service, {std::move(endpoints), std::move(ports)}};
}

inline k8s_client::Endpoints make_endpoints(const std::string& ns, const std::string& name,
                                            std::vector<k8s_client::EndpointSubset> subsets) {
    return {meta(ns, name), std::move(subsets)};
}

inline k8s_client::Pod make_pod(const std::string& ns, const std::string& name,
                                const std::string& ip) {
    return {meta(ns, name), ip};
}

inline k8s_client::Change applied(k8s_client::Object object) {
    return {k8s_client::Change::Type::Applied, std::move(object)};
}

inline k8s_client::Change deleted(k8s_client::Object object) {
    return {k8s_client::Change::Type::Deleted, std::move(object)};
}

}  // namespace support

// The Kubernetes objects that cluster DNS is made of, as plain values.
// Knows which fields of an object matter to an answer; all others are dropped when decoding. Knows
// nothing of where an object came from, of JSON or YAML, and nothing of DNS. Values: no thread owns
// them, anyone may copy them. What a decoder hands out here has been checked (decode.h says how).
// Field names and meanings: https://kubernetes.io/docs/reference/kubernetes-api/
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "k8s_client/rfc3339.h"

namespace k8s_client {

/// metadata.labels, sorted by key.
using Labels = std::vector<std::pair<std::string, std::string>>;

struct ObjectMeta {
    std::string ns;    // metadata.namespace; empty for a Namespace
    std::string name;  // metadata.name
    Labels labels;
    std::string uid{};  // metadata.uid; another object of the same name has another
    /// metadata.resourceVersion as a number, by which versions are ordered
    /// (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions); 0 if none.
    std::uint64_t resource_version = 0;
    bool operator==(const ObjectMeta&) const = default;
};

struct Namespace {
    ObjectMeta meta;
    bool operator==(const Namespace&) const = default;
};

struct ServicePort {
    std::string name;              // empty if unnamed
    std::string protocol = "TCP";  // TCP, UDP or SCTP
    std::uint16_t port = 0;
    bool operator==(const ServicePort&) const = default;
};

enum class ServiceType { ClusterIp, NodePort, LoadBalancer, ExternalName };

struct Service {
    ObjectMeta meta;
    ServiceType type = ServiceType::ClusterIp;
    /// spec.clusterIPs, else spec.clusterIP: addresses as text, in order. Empty when headless or
    /// ExternalName, and while the API server has assigned none.
    std::vector<std::string> cluster_ips;
    bool headless = false;      // the first cluster IP is "None"
    std::string external_name;  // spec.externalName of an ExternalName Service, as written
    std::vector<ServicePort> ports;
    bool publish_not_ready_addresses = false;
    bool operator==(const Service&) const = default;
};

struct Endpoint {
    std::vector<std::string> addresses;  // each as the API delivers it
    bool ready = true;                   // conditions.ready; absent counts as true
    std::string hostname;                // empty if none
    std::string target_name;             // targetRef.name; empty if none
    bool operator==(const Endpoint&) const = default;
};

struct EndpointPort {
    std::string name;              // empty if unnamed
    std::string protocol = "TCP";  // TCP, UDP or SCTP
    std::optional<std::uint16_t> port;
    bool operator==(const EndpointPort&) const = default;
};

/// Endpoints that share a set of ports: the content of an EndpointSlice, or one subset of an
/// Endpoints object.
struct EndpointSubset {
    std::vector<Endpoint> endpoints;
    std::vector<EndpointPort> ports;
    bool operator==(const EndpointSubset&) const = default;
};

/// A time that is no part of what an object is: all are equal.
struct TriggerTime {
    std::optional<UnixNanoseconds> at;
    bool operator==(const TriggerTime&) const { return true; }
};

struct EndpointSlice {
    ObjectMeta meta;
    std::string service_name;  // label kubernetes.io/service-name; empty if it has none
    EndpointSubset subset;     // no endpoints where addressType is FQDN
    /// When what the slice tells of happened in the cluster: of changes that a watch brings, where
    /// the annotation endpoints.kubernetes.io/last-change-trigger-time has it.
    TriggerTime triggered{};
    bool operator==(const EndpointSlice&) const = default;
};

/// The core/v1 Endpoints object; its name is the Service's. notReadyAddresses are endpoints with
/// ready = false.
struct Endpoints {
    ObjectMeta meta;
    std::vector<EndpointSubset> subsets;
    bool operator==(const Endpoints&) const = default;
};

struct Pod {
    ObjectMeta meta;
    std::string ip;  // status.podIP; empty while it has none
    bool operator==(const Pod&) const = default;
};

using Object = std::variant<Namespace, Service, EndpointSlice, Endpoints, Pod>;

inline const ObjectMeta& meta_of(const Object& object) {
    return std::visit([](const auto& o) -> const ObjectMeta& { return o.meta; }, object);
}

/// Of an object that is gone only kind, namespace and name matter.
inline Object tombstone(const Object& object) {
    return std::visit(
        [](const auto& gone) -> Object {
            std::decay_t<decltype(gone)> bare;
            bare.meta.ns = gone.meta.ns;
            bare.meta.name = gone.meta.name;
            return bare;
        },
        object);
}

/// Added and modified are one: the object is as given from now on. Deleted objects need only
/// their kind, namespace and name.
struct Change {
    enum class Type { Applied, Deleted };
    Type type = Type::Applied;
    Object object;
};

}  // namespace k8s_client

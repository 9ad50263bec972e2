// What a person wants to know of a Service that does not work, beyond what an answer is made of:
// selectors, target ports, conditions of endpoints and pods.
// Knows the fields of these kinds; every one may be absent. Nothing here enters a zone. Values; any
// thread. https://kubernetes.io/docs/reference/kubernetes-api/
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "k8s_client/objects.h"
#include "k8s_client/value_tree.h"

namespace k8s_client {

struct ServicePortDetail {
    std::string name;  // empty if unnamed
    std::string protocol = "TCP";
    std::uint16_t port = 0;
    std::string target_port;  // a number or a name; empty: the same as `port`
    std::uint16_t node_port = 0;
};

struct ServiceDetail {
    std::string ns, name;
    std::string type;                      // "ClusterIP" if the object says none
    std::vector<std::string> cluster_ips;  // "None" of a headless one
    std::string external_name;
    std::vector<ServicePortDetail> ports;
    Labels selector;
    bool publish_not_ready_addresses = false;
    bool headless() const { return !cluster_ips.empty() && cluster_ips.front() == "None"; }
};

struct EndpointDetail {
    std::vector<std::string> addresses;
    std::optional<bool> ready, serving, terminating;  // as the conditions say
    std::string hostname;
    std::string target_kind, target_name;  // targetRef
    std::string node;
};

/// An EndpointSlice, or a subset of an Endpoints object.
struct SliceDetail {
    std::string kind;  // EndpointSlice, Endpoints
    std::string ns, name;
    std::string address_type;
    std::string service;
    std::vector<EndpointPort> ports;
    std::vector<EndpointDetail> endpoints;
};

struct PodCondition {
    std::string type, status, reason, message;
};

struct ContainerDetail {
    std::string name;
    std::optional<bool> ready;
    std::string state;            // running, waiting, terminated
    std::string reason, message;  // of the state
    std::string restarts;         // a number
    std::string readiness_probe;  // `GET /ready, port 8080`; empty: it has none
};

struct PodDetail {
    std::string ns, name;
    Labels labels;
    std::vector<std::string> ips;
    std::string phase;
    bool terminating = false;
    std::vector<PodCondition> conditions;
    std::vector<ContainerDetail> containers;

    /// Null if it has none of that type.
    const PodCondition* condition(std::string_view type) const;
    bool ready() const;
};

using Detail = std::variant<ServiceDetail, std::vector<SliceDetail>, PodDetail>;

/// What `object` is; nothing for any other kind, or one without a name. An object that no manifest
/// puts anywhere is in the namespace `default`.
std::optional<Detail> detail_of(const Value& object);

/// True if `labels` has all of `selector`, which is not empty.
bool selects(const Labels& selector, const Labels& labels);

/// `app=web,tier=front`, as `kubectl get -l` and the API's labelSelector take it.
std::string selector_text(const Labels& selector);

}  // namespace k8s_client

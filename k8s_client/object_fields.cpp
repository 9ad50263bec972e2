#include "k8s_client/object_fields.h"

#include <array>

namespace k8s_client {
namespace {

using Nodes = std::span<const FieldNode>;
using Begin = void (*)(RawCursor&);

constexpr FieldNode string_at(std::string_view key, std::string& (*text)(RawCursor&)) {
    return {.key = key, .shape = Shape::String, .text = text};
}
constexpr FieldNode boolean_at(std::string_view key, bool& (*boolean)(RawCursor&)) {
    return {.key = key, .shape = Shape::Boolean, .boolean = boolean};
}
constexpr FieldNode integer_at(std::string_view key, std::int64_t& (*integer)(RawCursor&)) {
    return {.key = key, .shape = Shape::Integer, .integer = integer};
}
constexpr FieldNode map_at(std::string_view key, Nodes fields, Begin begin = nullptr) {
    return {.key = key, .shape = Shape::Map, .children = fields, .begin = begin};
}
constexpr FieldNode list_at(std::string_view key, Nodes element, Begin begin = nullptr) {
    return {.key = key, .shape = Shape::List, .children = element, .begin = begin};
}
constexpr FieldNode of(Section section, FieldNode node) {
    node.section = section;
    return node;
}
constexpr FieldNode as(Role role, FieldNode node) {
    node.role = role;
    return node;
}

// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
constexpr std::array kLabel = {string_at("", [](RawCursor& c) -> std::string& {
    return c.object->meta.labels.emplace_back(c.key, std::string()).second;
})};
// https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
// https://kubernetes.io/docs/reference/labels-annotations-taints/
constexpr std::array kAnnotation = {
    string_at("k8s.io/initial-events-end",
              [](RawCursor& c) -> std::string& { return c.object->initial_events_end; }),
    string_at("endpoints.kubernetes.io/last-change-trigger-time",
              [](RawCursor& c) -> std::string& { return c.object->change_trigger_time; })};
constexpr std::array kMetadataFields = {
    string_at("name", [](RawCursor& c) -> std::string& { return c.object->meta.name; }),
    string_at("namespace", [](RawCursor& c) -> std::string& { return c.object->meta.ns; }),
    map_at("labels", kLabel),
    string_at("uid", [](RawCursor& c) -> std::string& { return c.object->meta.uid; }),
    string_at("resourceVersion", [](RawCursor& c) -> std::string& { return c.object->version; }),
    string_at("continue", [](RawCursor& c) -> std::string& { return c.object->continue_token; }),
    map_at("annotations", kAnnotation),
};

constexpr std::array kPortFields = {
    string_at("name", [](RawCursor& c) -> std::string& { return c.ports->back().name; }),
    string_at("protocol", [](RawCursor& c) -> std::string& { return c.ports->back().protocol; }),
    FieldNode{
        .key = "port",
        .shape = Shape::Port,
        .port = [](RawCursor& c) -> std::optional<std::uint16_t>& { return c.ports->back().port; }},
};
constexpr std::array kPort = {
    map_at("", kPortFields, [](RawCursor& c) { c.ports->emplace_back(); })};

// Service
constexpr std::array kClusterIp = {string_at(
    "", [](RawCursor& c) -> std::string& { return c.object->cluster_ips.emplace_back(); })};
constexpr std::array kSpecFields = {
    string_at("type", [](RawCursor& c) -> std::string& { return c.object->service_type; }),
    string_at("clusterIP", [](RawCursor& c) -> std::string& { return c.object->cluster_ip; }),
    list_at("clusterIPs", kClusterIp),
    string_at("externalName", [](RawCursor& c) -> std::string& { return c.object->external_name; }),
    boolean_at("publishNotReadyAddresses",
               [](RawCursor& c) -> bool& { return c.object->publish_not_ready_addresses; }),
    list_at("ports", kPort, [](RawCursor& c) { c.ports = &c.object->service_ports; }),
};

// EndpointSlice and Endpoints
constexpr std::array kTargetFields = {string_at(
    "name", [](RawCursor& c) -> std::string& { return c.endpoints->back().target_name; })};
constexpr FieldNode kTarget = map_at("targetRef", kTargetFields);
constexpr FieldNode kHostname = string_at(
    "hostname", [](RawCursor& c) -> std::string& { return c.endpoints->back().hostname; });

constexpr std::array kAddress = {string_at(
    "", [](RawCursor& c) -> std::string& { return c.endpoints->back().addresses.emplace_back(); })};
constexpr std::array kConditionFields = {
    boolean_at("ready", [](RawCursor& c) -> bool& { return c.endpoints->back().ready; })};
constexpr std::array kSliceEndpointFields = {
    list_at("addresses", kAddress),
    map_at("conditions", kConditionFields),
    kHostname,
    kTarget,
};
constexpr std::array kSliceEndpoint = {
    map_at("", kSliceEndpointFields, [](RawCursor& c) { c.endpoints->emplace_back(); })};

constexpr std::array kSubsetAddressFields = {
    string_at(
        "ip",
        [](RawCursor& c) -> std::string& { return c.endpoints->back().addresses.emplace_back(); }),
    kHostname,
    kTarget,
};
constexpr std::array kReady = {
    map_at("", kSubsetAddressFields, [](RawCursor& c) { c.endpoints->emplace_back(); })};
constexpr std::array kNotReady = {map_at(
    "", kSubsetAddressFields, [](RawCursor& c) { c.endpoints->emplace_back().ready = false; })};
constexpr std::array kSubsetFields = {
    list_at("addresses", kReady),
    list_at("notReadyAddresses", kNotReady),
    list_at("ports", kPort, [](RawCursor& c) { c.ports = &c.object->subsets.back().ports; }),
};
constexpr std::array kSubset = {map_at("", kSubsetFields, [](RawCursor& c) {
    c.endpoints = &c.object->subsets.emplace_back().endpoints;
})};

// Pod
constexpr std::array kStatusFields = {
    string_at("podIP", [](RawCursor& c) -> std::string& { return c.object->pod_ip; }),
    string_at("phase", [](RawCursor& c) -> std::string& { return c.object->pod_phase; }),
};

// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
constexpr std::array kCauseFields = {string_at(
    "reason", [](RawCursor& c) -> std::string& { return c.object->status.causes.back(); })};
constexpr std::array kCause = {
    map_at("", kCauseFields, [](RawCursor& c) { c.object->status.causes.emplace_back(); })};
constexpr std::array kDetailsFields = {
    integer_at("retryAfterSeconds",
               [](RawCursor& c) -> std::int64_t& { return c.object->status.retry_after; }),
    list_at("causes", kCause),
};

constexpr std::array kObjectFields = {
    string_at("apiVersion", [](RawCursor& c) -> std::string& { return c.object->api_version; }),
    string_at("kind", [](RawCursor& c) -> std::string& { return c.object->kind; }),
    map_at("metadata", kMetadataFields),
    of(Section::Service, map_at("spec", kSpecFields)),
    of(Section::EndpointSlice,
       string_at("addressType",
                 [](RawCursor& c) -> std::string& { return c.object->address_type; })),
    of(Section::EndpointSlice,
       list_at("endpoints", kSliceEndpoint,
               [](RawCursor& c) { c.endpoints = &c.object->slice.endpoints; })),
    of(Section::EndpointSlice,
       list_at("ports", kPort, [](RawCursor& c) { c.ports = &c.object->slice.ports; })),
    of(Section::Endpoints, list_at("subsets", kSubset)),
    of(Section::Pod, map_at("status", kStatusFields)),
    of(Section::Status,
       integer_at("code", [](RawCursor& c) -> std::int64_t& { return c.object->status.code; })),
    of(Section::Status,
       string_at("reason", [](RawCursor& c) -> std::string& { return c.object->status.reason; })),
    of(Section::Status,
       string_at("message", [](RawCursor& c) -> std::string& { return c.object->status.message; })),
    of(Section::Status, map_at("details", kDetailsFields)),
};
constexpr std::array kItem = {as(Role::Item, map_at("", kObjectFields))};
constexpr FieldNode kItems = as(Role::Items, list_at("items", kItem));
constexpr FieldNode kDocument = as(Role::Document, map_at("", kObjectFields));
constexpr std::array kEventFields = {
    string_at("type", [](RawCursor& c) -> std::string& { return c.object->event; }),
    as(Role::Event, map_at("object", kObjectFields)),
};
constexpr FieldNode kEvent = map_at("", kEventFields);

}  // namespace

const FieldNode& document_node() {
    return kDocument;
}

const FieldNode& watch_event_node() {
    return kEvent;
}

const FieldNode* find_child(const FieldNode& object, std::string_view key) {
    for (const FieldNode& child : object.children) {
        if (child.key == key || child.key.empty()) {
            return &child;
        }
    }
    return object.role == Role::Document && key == kItems.key ? &kItems : nullptr;
}

}  // namespace k8s_client

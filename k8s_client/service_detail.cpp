#include "k8s_client/service_detail.h"

#include <algorithm>
#include <charconv>

namespace k8s_client {
namespace {

std::string string_in(const Value& map, std::string_view name) {
    return Value::string_of(map.find(name));
}

std::uint16_t port_in(const Value& map, std::string_view name) {
    const Value* const value = map.find(name);
    std::uint16_t port = 0;
    if (value != nullptr && value->kind == Value::Kind::Number) {
        const char* const end = value->text.data() + value->text.size();
        if (std::from_chars(value->text.data(), end, port).ptr != end) {
            return 0;
        }
    }
    return port;
}

std::optional<bool> boolean_in(const Value* map, std::string_view name) {
    const Value* const value = map == nullptr ? nullptr : map->find(name);
    if (value == nullptr || value->kind != Value::Kind::Boolean) {
        return std::nullopt;
    }
    return value->text == "true";
}

std::vector<std::string> strings_of(const Value* list) {
    std::vector<std::string> out;
    for (const Value& element : Value::elements_of(list)) {
        if (element.kind == Value::Kind::String) {
            out.push_back(element.text);
        }
    }
    return out;
}

Labels labels_of(const Value* map) {
    Labels labels;
    for (const Value& element : Value::elements_of(map)) {
        if (element.kind == Value::Kind::String) {
            labels.emplace_back(element.key, element.text);
        }
    }
    std::ranges::sort(labels);
    return labels;
}

/// `ns` of an object that is in a namespace.
void read_names(const Value& object, std::string& ns, std::string& name) {
    name = Value::string_of(object.find("metadata", "name"));
    ns = Value::string_of(object.find("metadata", "namespace"));
    if (ns.empty()) {
        ns = "default";
    }
}

std::string or_else(std::string text, const char* otherwise) {
    return text.empty() ? otherwise : std::move(text);
}

ServicePortDetail service_port(const Value& port) {
    ServicePortDetail out;
    out.name = string_in(port, "name");
    out.protocol = or_else(string_in(port, "protocol"), "TCP");
    out.port = port_in(port, "port");
    out.node_port = port_in(port, "nodePort");
    if (const Value* const target = port.find("targetPort")) {
        out.target_port = target->text;
    }
    return out;
}

ServiceDetail service_of(const Value& object) {
    ServiceDetail out;
    read_names(object, out.ns, out.name);
    const Value* const spec = object.find("spec");
    if (spec == nullptr) {
        return out;
    }
    out.type = or_else(string_in(*spec, "type"), "ClusterIP");
    out.cluster_ips = strings_of(spec->find("clusterIPs"));
    if (const std::string first = string_in(*spec, "clusterIP");
        out.cluster_ips.empty() && !first.empty()) {
        out.cluster_ips.push_back(first);
    }
    out.external_name = string_in(*spec, "externalName");
    out.selector = labels_of(spec->find("selector"));
    out.publish_not_ready_addresses = boolean_in(spec, "publishNotReadyAddresses").value_or(false);
    for (const Value& port : Value::elements_of(spec->find("ports"))) {
        out.ports.push_back(service_port(port));
    }
    return out;
}

std::vector<EndpointPort> endpoint_ports(const Value* list) {
    std::vector<EndpointPort> ports;
    for (const Value& port : Value::elements_of(list)) {
        EndpointPort out;
        out.name = string_in(port, "name");
        out.protocol = or_else(string_in(port, "protocol"), "TCP");
        if (const std::uint16_t number = port_in(port, "port"); number != 0) {
            out.port = number;
        }
        ports.push_back(std::move(out));
    }
    return ports;
}

void read_target(const Value& endpoint, EndpointDetail& out) {
    out.hostname = string_in(endpoint, "hostname");
    out.node = string_in(endpoint, "nodeName");
    if (const Value* const target = endpoint.find("targetRef")) {
        out.target_kind = string_in(*target, "kind");
        out.target_name = string_in(*target, "name");
    }
}

std::vector<SliceDetail> slice_of(const Value& object) {
    SliceDetail out;
    out.kind = "EndpointSlice";
    read_names(object, out.ns, out.name);
    out.address_type = string_in(object, "addressType");
    if (const Value* const labels = object.find("metadata", "labels")) {
        out.service = string_in(*labels, "kubernetes.io/service-name");
    }
    out.ports = endpoint_ports(object.find("ports"));
    for (const Value& endpoint : Value::elements_of(object.find("endpoints"))) {
        EndpointDetail& made = out.endpoints.emplace_back();
        made.addresses = strings_of(endpoint.find("addresses"));
        const Value* const conditions = endpoint.find("conditions");
        made.ready = boolean_in(conditions, "ready");
        made.serving = boolean_in(conditions, "serving");
        made.terminating = boolean_in(conditions, "terminating");
        read_target(endpoint, made);
    }
    return {std::move(out)};
}

/// Each subset is as a slice of its own.
std::vector<SliceDetail> subsets_of(const Value& object) {
    std::vector<SliceDetail> out;
    for (const Value& subset : Value::elements_of(object.find("subsets"))) {
        SliceDetail& slice = out.emplace_back();
        slice.kind = "Endpoints";
        read_names(object, slice.ns, slice.name);
        slice.service = slice.name;
        slice.ports = endpoint_ports(subset.find("ports"));
        for (const bool ready : {true, false}) {
            for (const Value& address :
                 Value::elements_of(subset.find(ready ? "addresses" : "notReadyAddresses"))) {
                EndpointDetail& made = slice.endpoints.emplace_back();
                made.addresses = {string_in(address, "ip")};
                made.ready = ready;
                read_target(address, made);
            }
        }
    }
    return out;
}

/// `state: {running: {...}}`, and what it says.
void read_state(const Value& status, ContainerDetail& out) {
    for (const Value& state : Value::elements_of(status.find("state"))) {
        out.state = state.key;
        out.reason = string_in(state, "reason");
        out.message = string_in(state, "message");
    }
}

/// `, port 8080`; empty if there is none.
std::string probe_port(const Value& action) {
    const Value* const port = action.find("port");
    return port == nullptr || port->text.empty() ? std::string() : ", port " + port->text;
}

/// What a probe does, without arguments, headers, hosts and what follows a path: none of that is
/// for whoever asks.
std::string probe_text(const Value* probe) {
    if (probe == nullptr) {
        return {};
    }
    if (const Value* const get = probe->find("httpGet")) {
        std::string path = or_else(string_in(*get, "path"), "/");
        path.resize(std::min(path.find('?'), path.size()));
        const bool tls = string_in(*get, "scheme") == "HTTPS";
        return (tls ? "HTTPS GET " : "GET ") + path + probe_port(*get);
    }
    for (const auto& [kind, name] : {std::pair("tcpSocket", "TCP"), std::pair("grpc", "gRPC")}) {
        if (const Value* const socket = probe->find(kind)) {
            return name + probe_port(*socket);
        }
    }
    if (const Value* const exec = probe->find("exec")) {
        const auto command = strings_of(exec->find("command"));
        return command.empty() ? "a command" : "the command " + command.front();
    }
    return "one of an unknown kind";
}

void read_containers(const Value& object, PodDetail& out) {
    for (const Value& status : Value::elements_of(object.find("status", "containerStatuses"))) {
        ContainerDetail& made = out.containers.emplace_back();
        made.name = string_in(status, "name");
        made.ready = boolean_in(&status, "ready");
        if (const Value* const restarts = status.find("restartCount")) {
            made.restarts = restarts->text;
        }
        read_state(status, made);
    }
    for (const Value& container : Value::elements_of(object.find("spec", "containers"))) {
        const auto known =
            std::ranges::find(out.containers, string_in(container, "name"), &ContainerDetail::name);
        if (known != out.containers.end()) {
            known->readiness_probe = probe_text(container.find("readinessProbe"));
        }
    }
}

PodDetail pod_of(const Value& object) {
    PodDetail out;
    read_names(object, out.ns, out.name);
    out.labels = labels_of(object.find("metadata", "labels"));
    out.terminating = object.find("metadata", "deletionTimestamp") != nullptr;
    const Value* const status = object.find("status");
    if (status == nullptr) {
        return out;
    }
    out.phase = string_in(*status, "phase");
    for (const Value& ip : Value::elements_of(status->find("podIPs"))) {
        out.ips.push_back(string_in(ip, "ip"));
    }
    if (const std::string ip = string_in(*status, "podIP"); out.ips.empty() && !ip.empty()) {
        out.ips.push_back(ip);
    }
    for (const Value& condition : Value::elements_of(status->find("conditions"))) {
        out.conditions.push_back({string_in(condition, "type"), string_in(condition, "status"),
                                  string_in(condition, "reason"), string_in(condition, "message")});
    }
    read_containers(object, out);
    return out;
}

}  // namespace

const PodCondition* PodDetail::condition(std::string_view type) const {
    const auto found = std::ranges::find(conditions, type, &PodCondition::type);
    return found == conditions.end() ? nullptr : &*found;
}

bool PodDetail::ready() const {
    const PodCondition* const condition_ready = condition("Ready");
    return condition_ready != nullptr && condition_ready->status == "True";
}

std::optional<Detail> detail_of(const Value& object) {
    const std::string kind = string_in(object, "kind");
    const std::string version = string_in(object, "apiVersion");
    if (Value::string_of(object.find("metadata", "name")).empty()) {
        return std::nullopt;
    }
    if (version == "v1" && kind == "Service") {
        return service_of(object);
    }
    if (version == "v1" && kind == "Pod") {
        return pod_of(object);
    }
    if (version == "v1" && kind == "Endpoints") {
        return subsets_of(object);
    }
    if (version.starts_with("discovery.k8s.io/") && kind == "EndpointSlice") {
        return slice_of(object);
    }
    return std::nullopt;
}

bool selects(const Labels& selector, const Labels& labels) {
    return !selector.empty() && std::ranges::all_of(selector, [&](const auto& wanted) {
        return std::ranges::find(labels, wanted) != labels.end();
    });
}

std::string selector_text(const Labels& selector) {
    std::string text;
    for (const auto& [key, value] : selector) {
        text.append(text.empty() ? "" : ",").append(key).append("=").append(value);
    }
    return text;
}

}  // namespace k8s_client

#include "k8s_client/object_json.h"

#include <string_view>

#include <rapidjson/writer.h>

#include "k8s_client/api_names.h"

namespace k8s_client {
namespace {

/// RapidJSON's OutputStream concept, over a string.
class StringStream {
  public:
    using Ch = char;
    explicit StringStream(std::string& out) : out_(out) {}
    // NOLINTBEGIN(readability-identifier-naming)
    void Put(char c) { out_.push_back(c); }
    void Flush() {}
    // NOLINTEND(readability-identifier-naming)

  private:
    std::string& out_;
};

class ObjectWriter {
  public:
    explicit ObjectWriter(std::string& out) : stream_(out), json_(stream_) {}

    void write(const Namespace& object) {
        start("v1", "Namespace", object.meta);
        json_.EndObject();
    }
    void write(const Service& object);
    void write(const EndpointSlice& object);
    void write(const Endpoints& object);
    void write(const Pod& object) {
        start("v1", "Pod", object.meta);
        if (!object.ip.empty()) {
            key("status");
            json_.StartObject();
            text("podIP", object.ip);
            json_.EndObject();
        }
        json_.EndObject();
    }

  private:
    void string(std::string_view value) {
        json_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    }
    void key(std::string_view name) {
        json_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    }
    void text(std::string_view name, std::string_view value) {
        if (!value.empty()) {
            key(name);
            string(value);
        }
    }
    void strings(std::string_view name, const std::vector<std::string>& values) {
        if (values.empty()) {
            return;
        }
        key(name);
        json_.StartArray();
        for (const std::string& value : values) {
            string(value);
        }
        json_.EndArray();
    }

    void start(std::string_view api_version, std::string_view kind, const ObjectMeta& meta);
    void port(std::string_view name, std::string_view protocol,
              std::optional<std::uint16_t> number);
    void endpoint_ports(const std::vector<EndpointPort>& ports);
    void common_fields(const Endpoint& endpoint);
    void subset_addresses(std::string_view name, const EndpointSubset& subset, bool ready);

    StringStream stream_;
    rapidjson::Writer<StringStream> json_;
};

void ObjectWriter::start(std::string_view api_version, std::string_view kind,
                         const ObjectMeta& meta) {
    json_.StartObject();
    text("apiVersion", api_version);
    text("kind", kind);
    key("metadata");
    json_.StartObject();
    text("name", meta.name);
    text("namespace", meta.ns);
    text("uid", meta.uid);
    if (meta.resource_version != 0) {
        text("resourceVersion", std::to_string(meta.resource_version));
    }
    if (!meta.labels.empty()) {
        key("labels");
        json_.StartObject();
        for (const auto& [name, value] : meta.labels) {
            key(name);
            string(value);
        }
        json_.EndObject();
    }
    json_.EndObject();
}

void ObjectWriter::port(std::string_view name, std::string_view protocol,
                        std::optional<std::uint16_t> number) {
    json_.StartObject();
    text("name", name);
    text("protocol", protocol);
    if (number) {
        key("port");
        json_.Uint(*number);
    }
    json_.EndObject();
}

void ObjectWriter::endpoint_ports(const std::vector<EndpointPort>& ports) {
    if (ports.empty()) {
        return;
    }
    key("ports");
    json_.StartArray();
    for (const EndpointPort& p : ports) {
        port(p.name, p.protocol, p.port);
    }
    json_.EndArray();
}

std::string_view type_text(ServiceType type) {
    switch (type) {
        case ServiceType::NodePort:
            return "NodePort";
        case ServiceType::LoadBalancer:
            return "LoadBalancer";
        case ServiceType::ExternalName:
            return "ExternalName";
        default:
            return "ClusterIP";
    }
}

void ObjectWriter::write(const Service& object) {
    start("v1", "Service", object.meta);
    key("spec");
    json_.StartObject();
    text("type", type_text(object.type));
    strings("clusterIPs", object.headless ? std::vector<std::string>{"None"} : object.cluster_ips);
    text("externalName", object.external_name);
    if (!object.ports.empty()) {
        key("ports");
        json_.StartArray();
        for (const ServicePort& p : object.ports) {
            port(p.name, p.protocol, p.port);
        }
        json_.EndArray();
    }
    if (object.publish_not_ready_addresses) {
        key("publishNotReadyAddresses");
        json_.Bool(true);
    }
    json_.EndObject();
    json_.EndObject();
}

void ObjectWriter::common_fields(const Endpoint& endpoint) {
    text("hostname", endpoint.hostname);
    if (!endpoint.target_name.empty()) {
        key("targetRef");
        json_.StartObject();
        text("name", endpoint.target_name);
        json_.EndObject();
    }
}

/// All addresses of a slice are of one family; without any it does not matter which.
std::string_view address_type(const EndpointSubset& subset) {
    for (const Endpoint& endpoint : subset.endpoints) {
        if (!endpoint.addresses.empty()) {
            return ip_family(endpoint.addresses.front()) == IpFamily::V6 ? "IPv6" : "IPv4";
        }
    }
    return "IPv4";
}

void ObjectWriter::write(const EndpointSlice& object) {
    start("discovery.k8s.io/v1", "EndpointSlice", object.meta);
    text("addressType", address_type(object.subset));
    key("endpoints");
    json_.StartArray();
    for (const Endpoint& endpoint : object.subset.endpoints) {
        json_.StartObject();
        strings("addresses", endpoint.addresses);
        if (!endpoint.ready) {
            key("conditions");
            json_.StartObject();
            key("ready");
            json_.Bool(false);
            json_.EndObject();
        }
        common_fields(endpoint);
        json_.EndObject();
    }
    json_.EndArray();
    endpoint_ports(object.subset.ports);
    json_.EndObject();
}

void ObjectWriter::subset_addresses(std::string_view name, const EndpointSubset& subset,
                                    bool ready) {
    key(name);
    json_.StartArray();
    for (const Endpoint& endpoint : subset.endpoints) {
        if (endpoint.ready == ready) {
            json_.StartObject();
            text("ip", endpoint.addresses.front());  // check_object.h: it has exactly one
            common_fields(endpoint);
            json_.EndObject();
        }
    }
    json_.EndArray();
}

void ObjectWriter::write(const Endpoints& object) {
    start("v1", "Endpoints", object.meta);
    key("subsets");
    json_.StartArray();
    for (const EndpointSubset& subset : object.subsets) {
        json_.StartObject();
        subset_addresses("addresses", subset, true);
        subset_addresses("notReadyAddresses", subset, false);
        endpoint_ports(subset.ports);
        json_.EndObject();
    }
    json_.EndArray();
    json_.EndObject();
}

}  // namespace

void append_json(const Object& object, std::string& out) {
    ObjectWriter writer(out);
    std::visit([&](const auto& kind) { writer.write(kind); }, object);
}

}  // namespace k8s_client

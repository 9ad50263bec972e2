#include <algorithm>

#include "zones/record_builder.h"

namespace zones {
namespace {

Protocol protocol_of(const std::string& text) {
    return text == "UDP" ? Protocol::Udp : text == "SCTP" ? Protocol::Sctp : Protocol::Tcp;
}

/// The label that an endpoint chose, or has in its pod's name; empty: made from the address text.
std::string own_label(const k8s_client::Endpoint& endpoint, bool endpoint_pod_names) {
    if (is_host_label(endpoint.hostname)) {
        return to_lower(endpoint.hostname);
    }
    // A pod's name with dots would be several labels; it falls back to the address.
    if (endpoint_pod_names && is_host_label(endpoint.target_name)) {
        return to_lower(endpoint.target_name);
    }
    return {};
}

void pack_endpoint(const k8s_client::Endpoint& endpoint, bool endpoint_pod_names,
                   PackedSubset& out) {
    const std::string own = own_label(endpoint, endpoint_pod_names);
    for (const std::string& text : endpoint.addresses) {
        const auto address = parse_address(text);
        if (!address) {
            continue;
        }
        PackedEndpoint packed;
        packed.ready = endpoint.ready;
        packed.v6 = std::holds_alternative<Ipv6>(*address);
        std::visit([&](const auto& a) { std::ranges::copy(a.octets, packed.octets.begin()); },
                   *address);
        std::string label = own;
        if (label.empty()) {  // made from the text as delivered, which need not be canonical
            const std::string made = address_label(text);
            label = made == address_label(to_string(*address)) ? "" : made;
        }
        if (!label.empty() && label.size() <= kMaxLabelLength) {
            packed.label_at = static_cast<std::uint32_t>(out.labels.size());
            out.labels += static_cast<char>(label.size());
            out.labels += label;
        }
        out.endpoints.push_back(packed);
    }
}

}  // namespace

PackedService pack(const k8s_client::Service& service) {
    PackedService packed;
    packed.publish_not_ready_addresses = service.publish_not_ready_addresses;
    for (const auto& port : service.ports) {
        packed.ports.push_back({to_lower(port.name), port.port, protocol_of(port.protocol)});
    }
    if (service.type == k8s_client::ServiceType::ExternalName) {
        const auto target = Name::parse(service.external_name);
        if (target && !parse_address(service.external_name)) {
            packed.kind = ServiceRecords::Kind::ExternalName;
            packed.target = *target;
        }
        return packed;
    }
    for (const std::string& text : service.cluster_ips) {
        const auto address = parse_address(text);
        if (address && std::holds_alternative<Ipv4>(*address)) {
            packed.v4.push_back(std::get<Ipv4>(*address));
        } else if (address) {
            packed.v6.push_back(std::get<Ipv6>(*address));
        }
    }
    sort_unique(packed.v4);
    sort_unique(packed.v6);
    const bool has_address = !packed.v4.empty() || !packed.v6.empty();
    packed.kind = service.headless ? ServiceRecords::Kind::Headless
                  : has_address    ? ServiceRecords::Kind::ClusterIp
                                   : ServiceRecords::Kind::Nothing;
    return packed;
}

PackedSubset pack(const k8s_client::EndpointSubset& subset, bool endpoint_pod_names) {
    PackedSubset packed;
    for (const auto& port : subset.ports) {
        if (port.port) {  // without a number there is nothing to put into an SRV record
            packed.ports.push_back({to_lower(port.name), *port.port, protocol_of(port.protocol)});
        }
    }
    sort_unique(packed.ports);
    packed.endpoints.reserve(subset.endpoints.size());
    for (const auto& endpoint : subset.endpoints) {
        pack_endpoint(endpoint, endpoint_pod_names, packed);
    }
    packed.endpoints.shrink_to_fit();
    packed.labels.shrink_to_fit();
    return packed;
}

}  // namespace zones

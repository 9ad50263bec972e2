#include "k8s_client/check_object.h"

#include <algorithm>
#include <array>

#include "k8s_client/api_names.h"

namespace k8s_client {
namespace {

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

/// `field: why`; empty where nothing is wrong.
using Fault = std::string;

std::string shown(std::string_view value) {
    constexpr std::size_t kShown = 80;
    return "'" + std::string(value.substr(0, kShown)) + (value.size() > kShown ? "...'" : "'");
}

std::string indexed(const std::string& list, std::size_t index) {
    return list + "[" + std::to_string(index) + "]";
}

/// `fault` as an *_fault function of api_names.h gives it.
Fault value_fault(const std::string& field, std::string_view value, std::string_view fault) {
    return fault.empty() ? Fault() : field + ": " + shown(value) + " is " + std::string(fault);
}

Fault address_fault(const std::string& field, const std::string& address) {
    return value_fault(field, address, ip_family(address) ? "" : "not an IP address");
}

/// Sorted by key; of the same key twice, the last stays.
void sort_labels(Labels& labels) {
    const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::stable_sort(labels.begin(), labels.end(), by_key);
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    const auto first = std::unique(labels.rbegin(), labels.rend(), same);
    labels.erase(labels.begin(), first.base());
}

Fault labels_fault(Labels& labels) {
    for (const auto& [key, value] : labels) {
        const std::string field = "metadata.labels[" + key + "]";
        if (Fault fault = value_fault(field, key, label_key_fault(key)); !fault.empty()) {
            return fault;
        }
        if (Fault fault = value_fault(field, value, label_value_fault(value)); !fault.empty()) {
            return fault;
        }
    }
    sort_labels(labels);
    return {};
}

Fault meta_fault(ObjectMeta& meta, std::string_view (*name_fault)(std::string_view)) {
    if (meta.name.empty()) {
        return "metadata.name: required";
    }
    if (meta.ns.empty()) {
        meta.ns = "default";  // as kubectl does
    }
    if (Fault fault = value_fault("metadata.name", meta.name, name_fault(meta.name));
        !fault.empty()) {
        return fault;
    }
    if (Fault fault = value_fault("metadata.namespace", meta.ns, dns_label_fault(meta.ns));
        !fault.empty()) {
        return fault;
    }
    return labels_fault(meta.labels);
}

Fault ports_fault(const std::string& list, std::vector<EndpointPort>& ports) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
        EndpointPort& port = ports[i];
        const std::string field = indexed(list, i);
        if (port.protocol.empty()) {
            port.protocol = "TCP";
        }
        if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
            return field + ".protocol: " + shown(port.protocol) + " is none of TCP, UDP, SCTP";
        }
        if (Fault fault = value_fault(field + ".name", port.name, port_name_fault(port.name));
            !fault.empty()) {
            return fault;
        }
    }
    return {};
}

/// `addresses` are checked by the caller, who knows of which family they must be.
Fault endpoint_fault(const std::string& field, Endpoint& endpoint) {
    if (!dns_subdomain_fault(endpoint.target_name).empty()) {
        endpoint.target_name.clear();  // not a Pod's; the API lets a targetRef name anything
    }
    return endpoint.hostname.empty() ? Fault()
                                     : value_fault(field + ".hostname", endpoint.hostname,
                                                   dns_label_fault(endpoint.hostname));
}

std::optional<ServiceType> service_type(std::string_view text) {
    if (text.empty() || text == "ClusterIP") {
        return ServiceType::ClusterIp;
    }
    if (text == "NodePort") {
        return ServiceType::NodePort;
    }
    if (text == "LoadBalancer") {
        return ServiceType::LoadBalancer;
    }
    if (text == "ExternalName") {
        return ServiceType::ExternalName;
    }
    return std::nullopt;
}

Fault take_cluster_ips(RawObject& raw, Service& service) {
    std::string list = "spec.clusterIPs";
    if (raw.cluster_ips.empty() && !raw.cluster_ip.empty()) {
        raw.cluster_ips.push_back(std::move(raw.cluster_ip));
        list = "spec.clusterIP";
    }
    if (!raw.cluster_ips.empty() && raw.cluster_ips.front() == "None") {
        service.headless = true;
        return {};
    }
    for (std::size_t i = 0; i < raw.cluster_ips.size(); ++i) {
        const std::string field = list.ends_with('s') ? indexed(list, i) : list;
        if (Fault fault = address_fault(field, raw.cluster_ips[i]); !fault.empty()) {
            return fault;
        }
    }
    service.cluster_ips = std::move(raw.cluster_ips);
    return {};
}

Fault take_service_ports(RawObject& raw, Service& service) {
    if (Fault fault = ports_fault("spec.ports", raw.service_ports); !fault.empty()) {
        return fault;
    }
    service.ports.reserve(raw.service_ports.size());
    for (std::size_t i = 0; i < raw.service_ports.size(); ++i) {
        EndpointPort& port = raw.service_ports[i];
        if (!port.port) {
            return indexed("spec.ports", i) + ".port: required";
        }
        service.ports.push_back({std::move(port.name), std::move(port.protocol), *port.port});
    }
    return {};
}

CheckedObject make_namespace(RawObject& raw) {
    raw.meta.ns.clear();
    if (Fault fault = meta_fault(raw.meta, dns_label_fault); !fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    raw.meta.ns.clear();  // a Namespace lies in none
    return Namespace{std::move(raw.meta)};
}

CheckedObject make_service(RawObject& raw) {
    if (Fault fault = meta_fault(raw.meta, dns_label_fault); !fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    const auto type = service_type(raw.service_type);
    if (!type) {
        return tl::unexpected("spec.type: " + shown(raw.service_type) +
                              " is not a type of Service");
    }
    Service service;
    service.type = *type;
    service.publish_not_ready_addresses = raw.publish_not_ready_addresses;
    Fault fault;
    if (*type == ServiceType::ExternalName) {
        fault = value_fault("spec.externalName", raw.external_name,
                            external_name_fault(raw.external_name));
        service.external_name = std::move(raw.external_name);
    } else {
        fault = take_cluster_ips(raw, service);
    }
    if (fault.empty()) {
        fault = take_service_ports(raw, service);
    }
    if (!fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    service.meta = std::move(raw.meta);
    return service;
}

Fault slice_address_fault(const std::string& field, const std::string& address, IpFamily family) {
    const auto found = ip_family(address);
    if (!found) {
        return address_fault(field, address);
    }
    return value_fault(field, address, *found == family ? "" : "not of the slice's addressType");
}

Fault slice_endpoints_fault(EndpointSubset& slice, IpFamily family) {
    for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
        Endpoint& endpoint = slice.endpoints[i];
        const std::string field = indexed("endpoints", i);
        for (std::size_t j = 0; j < endpoint.addresses.size(); ++j) {
            if (Fault fault = slice_address_fault(indexed(field + ".addresses", j),
                                                  endpoint.addresses[j], family);
                !fault.empty()) {
                return fault;
            }
        }
        if (Fault fault = endpoint_fault(field, endpoint); !fault.empty()) {
            return fault;
        }
    }
    return {};
}

/// An FQDN slice keeps no endpoints: its addresses are names, which a Service's name does not have.
Fault check_slice(RawObject& raw) {
    Fault fault = meta_fault(raw.meta, dns_subdomain_fault);
    if (!fault.empty()) {
        return fault;
    }
    if (raw.address_type == "FQDN") {
        raw.slice.endpoints.clear();
    } else if (raw.address_type == "IPv4" || raw.address_type == "IPv6") {
        fault = slice_endpoints_fault(raw.slice,
                                      raw.address_type == "IPv4" ? IpFamily::V4 : IpFamily::V6);
    } else {
        fault = "addressType: " + shown(raw.address_type) + " is none of IPv4, IPv6, FQDN";
    }
    return fault.empty() ? ports_fault("ports", raw.slice.ports) : fault;
}

CheckedObject make_endpoint_slice(RawObject& raw) {
    if (Fault fault = check_slice(raw); !fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    EndpointSlice slice;
    slice.meta = std::move(raw.meta);
    slice.subset = std::move(raw.slice);
    slice.triggered.at = parse_rfc3339(raw.change_trigger_time);  // a wrong one is none
    for (const auto& [key, value] : slice.meta.labels) {
        if (key == kServiceNameLabel) {
            slice.service_name = value;
        }
    }
    return slice;
}

/// Ready and not-ready addresses share one list here, so the field is named without its index.
Fault subset_fault(const std::string& field, EndpointSubset& subset) {
    for (Endpoint& endpoint : subset.endpoints) {
        const std::string list = field + (endpoint.ready ? ".addresses" : ".notReadyAddresses");
        if (endpoint.addresses.empty()) {
            return list + ": an ip is required";
        }
        if (Fault fault = address_fault(list + ".ip", endpoint.addresses.front()); !fault.empty()) {
            return fault;
        }
        if (Fault fault = endpoint_fault(list, endpoint); !fault.empty()) {
            return fault;
        }
    }
    return ports_fault(field + ".ports", subset.ports);
}

CheckedObject make_endpoints(RawObject& raw) {
    Fault fault = meta_fault(raw.meta, dns_subdomain_fault);
    for (std::size_t i = 0; i < raw.subsets.size() && fault.empty(); ++i) {
        fault = subset_fault(indexed("subsets", i), raw.subsets[i]);
    }
    if (!fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    return Endpoints{std::move(raw.meta), std::move(raw.subsets)};
}

CheckedObject make_pod(RawObject& raw) {
    // What CoreDNS asks of the API by field selector: an ended Pod's address may be another's now.
    if (raw.pod_phase == "Succeeded" || raw.pod_phase == "Failed" || raw.pod_phase == "Unknown") {
        return std::nullopt;
    }
    Fault fault = meta_fault(raw.meta, dns_subdomain_fault);
    if (fault.empty() && !raw.pod_ip.empty()) {
        fault = address_fault("status.podIP", raw.pod_ip);
    }
    if (!fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    return Pod{std::move(raw.meta), std::move(raw.pod_ip)};
}

constexpr std::array kKeptKinds = {
    KeptKind{"v1", "Namespace", Section::Common, make_namespace},
    KeptKind{"v1", "Service", Section::Service, make_service},
    KeptKind{"discovery.k8s.io/v1", "EndpointSlice", Section::EndpointSlice, make_endpoint_slice},
    KeptKind{"discovery.k8s.io/v1beta1", "EndpointSlice", Section::EndpointSlice,
             make_endpoint_slice},
    KeptKind{"v1", "Endpoints", Section::Endpoints, make_endpoints},
    KeptKind{"v1", "Pod", Section::Pod, make_pod},
};

}  // namespace

const KeptKind* find_kept_kind(std::string_view api_version, std::string_view kind) {
    const auto at = std::find_if(kKeptKinds.begin(), kKeptKinds.end(), [&](const KeptKind& kept) {
        return kept.kind == kind && kept.api_version == api_version;
    });
    return at == kKeptKinds.end() ? nullptr : &*at;
}

CheckedObject check_object(const KeptKind& kept, RawObject& raw) {
    for (const Section section : {Section::Common, kept.section}) {
        if (std::string& fault = raw.faults[static_cast<std::size_t>(section)]; !fault.empty()) {
            return tl::unexpected(std::move(fault));
        }
    }
    CheckedObject object = kept.make(raw);
    if (!object && !raw.path.empty()) {
        return tl::unexpected(raw.path + "." + object.error());
    }
    return object;
}

}  // namespace k8s_client

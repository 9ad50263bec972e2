#include "zones/snapshot_objects.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zones {
namespace {

constexpr std::size_t kMaxSliceEndpoints = 1000;  // as the API server has it
constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

/// "TCP", "UDP", "SCTP".
std::string protocol_text(Protocol protocol) {
    switch (protocol) {
        case Protocol::Udp:
            return "UDP";
        case Protocol::Sctp:
            return "SCTP";
        default:
            return "TCP";
    }
}

std::string port_name(const ServiceRecords& records, const PortRecord& port) {
    return port.name_at == 0 ? std::string() : std::string(records.text_at(port.name_at));
}

k8s_client::Service service_of(const ServiceRecords& records) {
    k8s_client::Service service;
    service.meta.ns = records.namespace_label();
    service.meta.name = records.service_label();
    if (records.kind == ServiceRecords::Kind::ExternalName) {
        service.type = k8s_client::ServiceType::ExternalName;
        // With its final dot: a name of digits is an address without it.
        service.external_name = to_string(NameView(records.target));
    }
    service.headless = records.kind == ServiceRecords::Kind::Headless;
    for (const Ipv4& address : records.cluster_ips.v4) {
        service.cluster_ips.push_back(to_string(address));
    }
    for (const Ipv6& address : records.cluster_ips.v6) {
        service.cluster_ips.push_back(to_string(address));
    }
    for (const PortRecord& port : records.service_ports) {
        service.ports.push_back(
            {port_name(records, port), protocol_text(port.protocol), port.number});
    }
    return service;
}

/// A text of `address` that makes `label`, which no hostname can be for its dashes at the ends; the
/// canonical text if there is none.
std::string text_making(std::string_view label, const Address& address) {
    std::string colons(label);
    std::replace(colons.begin(), colons.end(), '-', ':');
    std::string dots = colons;  // "::ffff:10.0.0.1"
    for (std::size_t at = dots.size(), count = 0; count < 3 && at > 0; --at) {
        if (dots[at - 1] == ':') {
            dots[at - 1] = '.';
            ++count;
        }
    }
    for (const std::string* text : {&colons, &dots}) {
        if (parse_address(*text) == address && address_label(*text) == label) {
            return *text;
        }
    }
    return to_string(address);
}

k8s_client::Endpoint endpoint_of(const ServiceRecords& records, const EndpointRecord& record) {
    k8s_client::Endpoint endpoint;
    const Address address = records.address_of(record);
    const std::string_view label =
        record.label_at == 0 ? std::string_view() : records.text_at(record.label_at);
    if (label.empty() || is_host_label(label)) {
        endpoint.hostname = label;
        endpoint.addresses.push_back(to_string(address));
    } else {
        endpoint.addresses.push_back(text_making(label, address));
    }
    return endpoint;
}

/// Visits the slices of one Service: all endpoints of a slice share their ports and their family.
class SliceMaker {
  public:
    SliceMaker(const ServiceRecords& records, const ObjectVisitor& visit)
        : records_(records), visit_(visit), by_ports_(records.endpoints.size()) {
        std::iota(by_ports_.begin(), by_ports_.end(), records.endpoints.data());
        std::stable_sort(by_ports_.begin(), by_ports_.end(),
                         [](auto a, auto b) { return a->port_set < b->port_set; });
    }

    void make_all() {
        auto first = by_ports_.begin();
        for (std::uint32_t set = 0; set < records_.port_sets.size(); ++set) {
            const auto last = std::find_if(first, by_ports_.end(),
                                           [&](auto record) { return record->port_set != set; });
            make(set, {first, last});
            first = last;
        }
    }

  private:
    using Records = std::span<const EndpointRecord* const>;

    void make(std::uint32_t port_set, Records endpoints) {
        for (const bool v6 : {false, true}) {
            k8s_client::EndpointSlice slice = start(port_set);
            for (const EndpointRecord* record : endpoints) {
                add(endpoint_of(records_, *record), v6, slice);
            }
            if (!slice.subset.endpoints.empty()) {
                visit_(std::move(slice));
            }
        }
    }

    k8s_client::EndpointSlice start(std::uint32_t port_set) {
        k8s_client::EndpointSlice slice;
        slice.service_name = records_.service_label();
        slice.meta.ns = records_.namespace_label();
        slice.meta.name = slice.service_name + '-' + std::to_string(++count_);
        slice.meta.labels = {{kServiceNameLabel, slice.service_name}};
        const PortSet& set = records_.port_sets[port_set];
        for (const PortRecord& port : records_.endpoint_ports.subspan(set.first, set.count)) {
            slice.subset.ports.push_back(
                {port_name(records_, port), protocol_text(port.protocol), port.number});
        }
        return slice;
    }

    void add(k8s_client::Endpoint endpoint, bool v6, k8s_client::EndpointSlice& slice) {
        if ((endpoint.addresses.front().find(':') != std::string::npos) != v6) {
            return;
        }
        auto& endpoints = slice.subset.endpoints;
        if (endpoints.size() == kMaxSliceEndpoints) {
            k8s_client::EndpointSlice next = slice;
            next.meta.name = next.service_name + '-' + std::to_string(++count_);
            next.subset.endpoints.clear();
            visit_(std::exchange(slice, std::move(next)));
        }
        slice.subset.endpoints.push_back(std::move(endpoint));
    }

    const ServiceRecords& records_;
    const ObjectVisitor& visit_;
    std::vector<const EndpointRecord*> by_ports_;
    unsigned count_ = 0;
};

/// A Pod for each address that a namespace has one at; only exposed namespaces answer for theirs.
template <typename Ip>
void visit_pods(const AddressIndex<Ip>& pods,
                const std::unordered_map<std::uint64_t, std::string>& namespaces,
                const ObjectVisitor& visit) {
    pods.for_each([&](const auto& entry) {
        const auto ns = namespaces.find(entry.key());
        if (ns != namespaces.end()) {
            k8s_client::Pod pod;
            pod.ip = to_string(entry.address);
            pod.meta.ns = ns->second;
            pod.meta.name = "pod-" + address_label(pod.ip);
            visit(pod);
        }
    });
}

}  // namespace

void visit_objects(const Snapshot& snapshot, const ObjectVisitor& visit) {
    std::unordered_map<std::uint64_t, std::string> namespaces;
    for (const std::string& name : *snapshot.namespaces) {
        namespaces.emplace(keyed_hash(snapshot.key, name), name);
        k8s_client::Namespace object;
        object.meta.name = name;
        visit(object);
    }
    for (const auto& shard : snapshot.shards) {
        shard->for_each([&](const ServiceRecords& records) {
            visit(service_of(records));
            SliceMaker(records, visit).make_all();
        });
    }
    visit_pods(snapshot.pods4, namespaces, visit);
    visit_pods(snapshot.pods6, namespaces, visit);
}

}  // namespace zones

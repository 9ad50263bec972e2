// Turns a Service and its endpoints into ServiceRecords.
// Knows the rules by which objects become records (what a Service's type, an endpoint's readiness
// and its labels mean); knows nothing of events or of other Services. Pure functions, called by the
// one writer.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "k8s_client/objects.h"
#include "zones/cluster_options.h"
#include "zones/service_records.h"

namespace zones {

template <typename T>
void sort_unique(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

/// A port of a slice, or of a Service.
struct PackedPort {
    std::string name;  // lower case
    std::uint16_t number = 0;
    Protocol protocol = Protocol::Tcp;
    auto operator<=>(const PackedPort&) const = default;
};

struct PackedEndpoint {
    std::array<std::uint8_t, 16> octets{};  // the first 4 of an IPv4 address
    std::uint32_t label_at = 0;             // in PackedSubset::labels; 0: made from the address
    bool v6 = false;
    bool ready = true;
    auto operator<=>(const PackedEndpoint&) const = default;
};

/// What the writer keeps of an EndpointSlice, or of one subset of an Endpoints object.
struct PackedSubset {
    std::vector<PackedPort> ports;  // sorted, unique
    std::vector<PackedEndpoint> endpoints;
    std::string labels{'\0'};  // length-prefixed; offset 0 is unused
    bool operator==(const PackedSubset&) const = default;
};

/// What the writer keeps of a Service.
struct PackedService {
    ServiceRecords::Kind kind = ServiceRecords::Kind::Nothing;
    std::vector<Ipv4> v4;  // cluster IPs, sorted, unique
    std::vector<Ipv6> v6;
    std::vector<PackedPort> ports;  // in order
    Name target;                    // of an ExternalName
    bool publish_not_ready_addresses = false;
    bool operator==(const PackedService&) const = default;
};

PackedService pack(const k8s_client::Service& service);
PackedSubset pack(const k8s_client::EndpointSubset& subset, bool endpoint_pod_names);

/// `key`: wire labels <service><namespace>. `subsets` are those that count for this Service.
/// `visible` and `hash` are the caller's to set.
std::shared_ptr<ServiceRecords> build_records(std::string_view key, const PackedService& service,
                                              std::span<const PackedSubset* const> subsets);

}  // namespace zones

// The fields of one object as they were read, before anyone has said what they must be.
// A raw object has room for every kind, since `kind` may come after the fields it explains. Knows
// no input format. A value that lives as long as one object is decoded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "k8s_client/objects.h"

namespace k8s_client {

/// Whose field it is: a wrong one spoils objects of that kind only.
enum class Section : std::uint8_t { Common, Service, EndpointSlice, Endpoints, Pod, Status };
inline constexpr std::size_t kSectionCount = 6;

/// What the API server says of a request that failed, as response or as event (metav1.Status).
struct ApiStatus {
    std::int64_t code = 0;
    std::string reason;  // Forbidden, Expired ...
    std::string message;
    std::int64_t retry_after = 0;     // details.retryAfterSeconds
    std::vector<std::string> causes;  // details.causes[].reason
};

struct RawObject {
    std::string api_version;
    std::string kind;
    ObjectMeta meta;
    std::string version;              // metadata.resourceVersion, of an object or of a list
    std::string continue_token;       // metadata.continue, of a list
    std::string initial_events_end;   // "true" on the bookmark that ends a streaming list
    std::string change_trigger_time;  // of endpoints, as written

    std::string service_type;
    std::string cluster_ip;
    std::vector<std::string> cluster_ips;
    std::string external_name;
    std::vector<EndpointPort> service_ports;
    bool publish_not_ready_addresses = false;

    std::string address_type;
    EndpointSubset slice;

    std::vector<EndpointSubset> subsets;

    std::string pod_ip;
    std::string pod_phase;

    std::string event;  // type of the watch event that holds the object
    ApiStatus status;

    std::string path;  // where in its document, `items[3]`; empty if it is the document
    std::array<std::string, kSectionCount> faults;  // the first of each section, `field: why`

    void add_fault(Section section, std::string fault) {
        std::string& first = faults[static_cast<std::size_t>(section)];
        if (first.empty()) {
            first = std::move(fault);
        }
    }
};

}  // namespace k8s_client

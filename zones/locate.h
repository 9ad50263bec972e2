// What a name of a cluster zone is.
// Knows the grammar of cluster names (Kubernetes DNS specification 1.1.0, with CoreDNS's additions)
// and looks it up by structure in one snapshot; knows nothing of types or messages. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "zones/cluster_options.h"
#include "zones/service_records.h"
#include "zones/snapshot.h"
#include "zones/zone_table.h"

namespace zones {

/// The Service that a name will lead to if it is below `svc`, looked up in steps: each has what the
/// next reads brought from memory, while other names of the batch have theirs.
struct Foreseen {
    static constexpr std::uint8_t kNotBelowService = 255;

    bool looked_up = false;  // what follows is valid
    /// Of the name, in front of <service>.<ns>.svc.
    std::uint8_t octets_before = kNotBelowService;
    std::optional<ZoneTable::Match> zone;  // of those of the cluster
    const Snapshot* snapshot = nullptr;    // null: the name is not one below `svc`
    std::uint64_t hash = 0;
    const ServiceRecords* records = nullptr;  // of that hash; null: there is none

    static constexpr int kSteps = 3;
    /// What comes first, once `zone` is known.
    void find_key(const LoweredName& name, const Snapshot& in);
    /// 1 to kSteps, after that.
    void step(int number);
};

struct Located {
    enum class Kind : std::uint8_t {
        NameError,         // nothing is there, and nothing below
        EmptyNonTerminal,  // nothing is there, but something below
        Apex,
        Version,     // dns-version.<zone>
        NameServer,  // ns.dns.<zone>
        Service,     // <service>.<ns>.svc, also with _port._proto in front
        Endpoint,    // <endpoint>.<service>.<ns>.svc
        Pod,         // <address>.<ns>.pod
        Reverse,     // an address that a Service or an endpoint has
    };

    Kind kind = Kind::NameError;
    std::size_t target_label = 0;  // of the label that SRV targets start with: service's, pod's
    const ServiceRecords* service = nullptr;
    PortFilter ports{};
    ServiceRecords::Found endpoints{};
    Address address{};  // of a pod name or a reverse name
};

/// `zone_labels`: how many labels of `name` are the zone's. `foreseen`: of that name in that
/// snapshot, or null.
Located locate(const LoweredName& name, std::size_t zone_labels, const ClusterOptions& options,
               const Snapshot& snapshot, const Foreseen* foreseen = nullptr);

/// The same for a name of a reverse zone.
Located locate_reverse(const LoweredName& name, std::size_t zone_labels, const Snapshot& snapshot);

/// True if `endpoint` has a port that passes.
bool has_port(const ServiceRecords& service, const EndpointRecord& endpoint,
              const PortFilter& filter);

}  // namespace zones

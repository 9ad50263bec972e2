#include "zones/locate.h"

#include <algorithm>

namespace zones {
namespace {

constexpr std::string_view kServices = "svc";  // k8s-dns 2.3.1

bool service_has_port(const ServiceRecords& service, const PortFilter& filter) {
    if (filter.any()) {
        return true;
    }
    if (service.kind == ServiceRecords::Kind::Headless) {
        return std::any_of(
            service.port_sets.begin(), service.port_sets.end(), [&](const auto& set) {
                const auto ports = service.endpoint_ports.subspan(set.first, set.count);
                return std::any_of(ports.begin(), ports.end(), [&](const PortRecord& port) {
                    return service.matches(port, filter);
                });
            });
    }
    return std::any_of(service.service_ports.begin(), service.service_ports.end(),
                       [&](const PortRecord& port) { return service.matches(port, filter); });
}

Located empty_non_terminal() {
    return {.kind = Located::Kind::EmptyNonTerminal};
}

/// One label in front of a Service: an endpoint, or `_proto`, below which the ports are.
Located locate_below_service(const LoweredName& name, const ServiceRecords& service) {
    const std::string_view label = name.label(0);
    Located found{.kind = Located::Kind::Endpoint, .service = &service};
    found.endpoints = service.find_label(label);
    if (!found.endpoints.empty()) {
        return found;
    }
    if (label.starts_with('_') && label.size() > 1 &&
        service_has_port(service, {.port = {}, .protocol = label.substr(1)})) {
        return empty_non_terminal();
    }
    return {};
}

/// The labels <service>.<ns>, with `left` labels in front of them.
std::string_view service_key(const LoweredName& name, std::size_t left) {
    const std::size_t at = name.label_at[left];
    return name.wire().substr(at, name.label_at[left + 2] - at);
}

/// `left`: how many labels stand in front of <service>.<ns>.svc.
Located locate_service(const LoweredName& name, std::size_t left, const Snapshot& snapshot,
                       const Foreseen* foreseen) {
    const std::string_view key = service_key(name, left);
    const bool known = foreseen != nullptr && foreseen->snapshot == &snapshot;
    const ServiceRecords* service = known ? foreseen->records : snapshot.find_service(key);
    if (service == nullptr || !service->visible || (known && service->key != key)) {
        return {};
    }
    Located found{.kind = Located::Kind::Service, .target_label = left, .service = service};
    if (left == 0) {
        return found;
    }
    if (service->kind == ServiceRecords::Kind::ExternalName || left > 2) {
        return {};
    }
    if (left == 1) {
        return locate_below_service(name, *service);
    }
    found.ports = PortFilter::of(name.label(0), name.label(1));
    return service_has_port(*service, found.ports) ? found : Located{};
}

/// `left`: how many labels stand in front of <ns>.pod.
Located locate_pod(const LoweredName& name, std::size_t left, const ClusterOptions& options,
                   const Snapshot& snapshot) {
    const std::string_view ns = name.label(left);
    if (options.pods == PodMode::Disabled || left > 3 || !snapshot.namespace_exposed(ns)) {
        return {};
    }
    if (left == 0) {
        return empty_non_terminal();
    }
    const auto address = parse_address_label(name.label(left - 1));
    if (!address) {
        return {};
    }
    if (options.pods == PodMode::Verified) {
        const std::uint64_t hash = keyed_hash(snapshot.key, ns);
        const auto* v4 = std::get_if<Ipv4>(&*address);
        if (!(v4 != nullptr ? snapshot.pods4.contains(*v4, hash)
                            : snapshot.pods6.contains(std::get<Ipv6>(*address), hash))) {
            return {};
        }
    }
    return {.kind = Located::Kind::Pod, .target_label = left - 1, .address = *address};
}

/// The names that every zone has for itself; NameError if it is none of them.
Located locate_own(const LoweredName& name, std::size_t left) {
    if (left == 0) {
        return {.kind = Located::Kind::Apex};
    }
    if (name.label(left - 1) == "dns") {
        if (left == 1) {
            return empty_non_terminal();
        }
        if (left == 2 && name.label(0) == "ns") {
            return {.kind = Located::Kind::NameServer};
        }
    }
    return {};
}

}  // namespace

void Foreseen::find_key(const LoweredName& name, const Snapshot& in) {
    const std::size_t left = name.labels - zone->labels;
    if (left >= 3 && name.label(left - 1) == kServices) {
        snapshot = &in;
        octets_before = name.label_at[left - 3];
        const char* const key = reinterpret_cast<const char*>(&name.octets[octets_before]);
        hash = keyed_hash(in.key, {key, name.label_at[left - 1] - std::size_t{octets_before}});
        __builtin_prefetch(&in.shard_of(hash));
    }
}

void Foreseen::step(int number) {
    if (snapshot == nullptr) {
        return;
    }
    if (number == 1) {
        snapshot->shard_of(hash).prefetch(hash);
    } else if (number == 2) {
        records = snapshot->find_service(hash);
        if (records != nullptr) {  // what is read first lies on two lines, or three
            __builtin_prefetch(records);
            __builtin_prefetch(&records->target);
        }
    } else if (records != nullptr) {
        __builtin_prefetch(records->key.data());
        __builtin_prefetch(records->cluster_ips.v4.data());
    }
}

bool has_port(const ServiceRecords& service, const EndpointRecord& endpoint,
              const PortFilter& filter) {
    if (filter.any()) {
        return true;
    }
    const auto ports = service.ports_of(endpoint);
    return std::any_of(ports.begin(), ports.end(),
                       [&](const PortRecord& port) { return service.matches(port, filter); });
}

Located locate(const LoweredName& name, std::size_t zone_labels, const ClusterOptions& options,
               const Snapshot& snapshot, const Foreseen* foreseen) {
    const std::size_t left = name.labels - zone_labels;
    if (left >= 3 && name.label(left - 1) == kServices) {
        return locate_service(name, left - 3, snapshot, foreseen);
    }
    const Located own = locate_own(name, left);
    if (own.kind != Located::Kind::NameError) {
        return own;
    }
    const std::string_view last = name.label(left - 1);
    if (last == kServices) {  // `svc` itself, or <ns>.svc
        return left == 1 || snapshot.namespace_exposed(name.label(0)) ? empty_non_terminal()
                                                                      : Located{};
    }
    if (last == "pod") {
        return left == 1 ? empty_non_terminal() : locate_pod(name, left - 2, options, snapshot);
    }
    if (left == 1 && last == "dns-version") {  // k8s-dns 2.2
        return {.kind = Located::Kind::Version};
    }
    return {};
}

Located locate_reverse(const LoweredName& name, std::size_t zone_labels, const Snapshot& snapshot) {
    const Located own = locate_own(name, name.labels - zone_labels);
    if (own.kind != Located::Kind::NameError) {
        return own;
    }
    const auto reverse = parse_reverse_name(name.wire());
    if (!reverse) {
        return {};
    }
    const Address last = last_of(*reverse);
    const auto* v4 = std::get_if<Ipv4>(&reverse->first);
    const bool any = v4 != nullptr ? snapshot.addresses4.any_between(*v4, std::get<Ipv4>(last))
                                   : snapshot.addresses6.any_between(std::get<Ipv6>(reverse->first),
                                                                     std::get<Ipv6>(last));
    if (!any) {
        return {};
    }
    if (!reverse->complete()) {
        return empty_non_terminal();
    }
    return {.kind = Located::Kind::Reverse, .address = reverse->first};
}

}  // namespace zones

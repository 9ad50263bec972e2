#include "zones/reason.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "zones/locate.h"
#include "zones/message.h"

namespace zones {
namespace {

constexpr std::string_view kDots = "...";
constexpr std::size_t kMostPorts = 8;

/// What a question is about below `svc`: label 0 is the first of the name.
struct Place {
    const LoweredName& name;
    std::size_t left;  // labels in front of <service>.<namespace>.svc

    std::string_view service() const { return name.label(left); }
    std::string_view ns() const { return name.label(left + 1); }
};

ReasonText& add_service(const Place& at, ReasonText& out) {
    return out.add("service ").add_label(at.service());
}

ReasonText& add_no_namespace(std::string_view ns, const ClusterOptions& options, ReasonText& out) {
    out.add("no namespace ").add_quoted(ns);
    return out.add(options.namespaces.empty() ? "" : " among those that are served");
}

/// Of the Service, or of its endpoints that are ready.
std::span<const PortRecord> ports_of(const ServiceRecords& service) {
    return service.kind == ServiceRecords::Kind::Headless ? service.endpoint_ports
                                                          : service.service_ports;
}

std::size_t count_ready(const ServiceRecords& service) {
    return std::max(service.endpoint_addresses.v4.size(), service.endpoint_addresses.v6.size());
}

/// ` (has http, metrics/udp)`: TCP is what goes without saying.
void add_ports(const ServiceRecords& service, ReasonText& out) {
    const auto ports = ports_of(service);
    std::size_t listed = 0;
    for (auto port = ports.begin(); port != ports.end() && listed < kMostPorts; ++port) {
        const bool again = std::any_of(ports.begin(), port, [&](const PortRecord& earlier) {
            return earlier.name_at == port->name_at && earlier.protocol == port->protocol;
        });
        if (port->name_at == 0 || again) {
            continue;
        }
        out.add(listed++ == 0 ? " (has " : ", ").add_label(service.text_at(port->name_at));
        if (port->protocol != Protocol::Tcp) {
            out.add("/").add(to_string(port->protocol));
        }
    }
    out.add(listed > 0 ? ")" : ports.empty() ? " (has none)" : " (its ports have no names)");
}

void add_unready(const Place& at, const ServiceRecords& service, const ClusterOptions& options,
                 ReasonText& out) {
    add_service(at, out);
    if (options.no_endpoints) {
        out.add(" has only its endpoints, which are not served");
    } else if (service.uncounted == 0) {
        out.add(" has no endpoints");
    } else {
        out.add(" has 0 of ").add(service.uncounted).add(" endpoints ready");
    }
}

/// The Service is there, or the port of it, and has no such record.
void add_missing_type(const Place& at, std::uint16_t qtype, ReasonText& out) {
    add_service(at, out);
    if (qtype == qtype::kA) {
        out.add(" has no IPv4 address");
    } else if (qtype == qtype::kAaaa) {
        out.add(" has no IPv6 address");
    } else if (qtype == qtype::kSrv) {
        out.add(" has no ports");
    } else {
        out.add(" has A, AAAA and SRV records only");
    }
}

void add_missing_endpoint(const Place& at, const ServiceRecords& service,
                          const ClusterOptions& options, ReasonText& out) {
    const std::string_view label = at.name.label(at.left - 1);
    add_service(at, out);
    if (label.starts_with('_')) {
        out.add(" has no port of protocol ").add_quoted(label.substr(1));
    } else if (options.no_endpoints) {
        out.add(": its endpoints are not served");
    } else {
        out.add(" has no ready endpoint ").add_quoted(label);
        const std::size_t ready = count_ready(service);
        out.add(" (").add(ready).add(" of ").add(ready + service.uncounted).add(" ready)");
    }
}

void add_endpoint_reason(const Place& at, const ServiceRecords& service, std::uint16_t qtype,
                         const ClusterOptions& options, ReasonText& out) {
    const std::string_view label = at.name.label(0);
    if (service.find_label(label).empty()) {
        add_missing_endpoint(at, service, options, out);
        return;
    }
    out.add("endpoint ").add_quoted(label).add(" has no ");
    out.add(qtype == qtype::kAaaa  ? "IPv6 address"
            : qtype == qtype::kA   ? "IPv4 address"
            : qtype == qtype::kSrv ? "ports"
                                   : "such record");
}

void add_below_service(const Place& at, const ServiceRecords& service, std::uint16_t qtype,
                       const ClusterOptions& options, ReasonText& out) {
    if (service.kind == ServiceRecords::Kind::ExternalName) {
        add_service(at, out).add(" is an ExternalName: nothing is below it");
    } else if (at.left == 1) {
        add_endpoint_reason(at, service, qtype, options, out);
    } else if (at.left == 2) {
        const auto filter = PortFilter::of(at.name.label(0), at.name.label(1));
        if (std::ranges::any_of(ports_of(service), [&](const PortRecord& port) {
                return service.matches(port, filter);
            })) {
            add_missing_type(at, qtype, out);
            return;
        }
        add_service(at, out).add(" has no port ").add_quoted(filter.port).add("/");
        out.add_label(filter.protocol);
        add_ports(service, out);
    } else {
        out.add("no name is that far below ");
        add_service(at, out);
    }
}

void add_service_reason(const Place& at, std::uint16_t qtype, const ClusterOptions& options,
                        const Snapshot& snapshot, ReasonText& out) {
    if (!snapshot.namespace_exposed(at.ns())) {
        add_no_namespace(at.ns(), options, out);
        return;
    }
    const std::size_t begin = at.name.label_at[at.left];
    const ServiceRecords* service =
        snapshot.find_service(at.name.wire().substr(begin, at.name.label_at[at.left + 2] - begin));
    if (service == nullptr) {
        out.add("no service ").add_quoted(at.service()).add(" in namespace ").add_quoted(at.ns());
    } else if (service->kind == ServiceRecords::Kind::Nothing) {
        add_service(at, out).add(" has neither a cluster IP nor a name to lead to");
    } else if (service->kind != ServiceRecords::Kind::ExternalName &&
               service->endpoint_addresses.empty() &&
               (service->kind == ServiceRecords::Kind::Headless || !service->visible)) {
        add_unready(at, *service, options, out);
    } else if (at.left == 0) {
        add_missing_type(at, qtype, out);
    } else {
        add_below_service(at, *service, qtype, options, out);
    }
}

/// `left`: labels in front of <ns>.pod.
void add_pod_reason(const LoweredName& name, std::size_t left, std::uint16_t qtype,
                    const ClusterOptions& options, const Snapshot& snapshot, ReasonText& out) {
    const std::string_view ns = name.label(left);
    if (options.pods == PodMode::Disabled) {
        out.add("names of pods are not served");
        return;
    }
    if (!snapshot.namespace_exposed(ns)) {
        add_no_namespace(ns, options, out);
        return;
    }
    if (left == 0) {
        out.add("below a namespace are the addresses of its pods");
        return;
    }
    const std::string_view label = name.label(left - 1);
    const auto address = parse_address_label(label);
    const bool v4 = address && std::holds_alternative<Ipv4>(*address);
    if (!address) {
        out.add_quoted(label).add(" is not an address with dashes");
    } else if (left > 3) {
        out.add("no name is that far below a pod");
    } else if (qtype != qtype::kA && qtype != qtype::kAaaa) {
        out.add("a pod has no such record");
    } else if ((qtype == qtype::kA) != v4) {
        out.add_quoted(label).add(v4 ? " is an IPv4 address" : " is an IPv6 address");
    } else {
        out.add("no pod in namespace ").add_quoted(ns).add(" has the address ").add_quoted(label);
    }
}

}  // namespace

ReasonText& ReasonText::add(std::string_view text) {
    constexpr std::size_t kMost = std::tuple_size_v<decltype(octets_)> - kDots.size();
    if (size_ > kMost) {
        return *this;  // it has ended with dots
    }
    const std::string_view fits = text.substr(0, kMost - size_);
    const std::string_view dots = fits.size() < text.size() ? kDots : std::string_view{};
    for (const std::string_view part : {fits, dots}) {
        std::copy(part.begin(), part.end(), octets_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += part.size();
    }
    return *this;
}

ReasonText& ReasonText::add(std::size_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return add({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

ReasonText& ReasonText::add_label(std::string_view label) {
    std::array<char, kMaxLabelLength> shown;
    const std::size_t size = std::min(label.size(), shown.size());
    std::transform(label.begin(), label.begin() + static_cast<std::ptrdiff_t>(size), shown.begin(),
                   [](char c) { return c > ' ' && c < '\x7f' && c != '"' ? c : '?'; });
    return add({shown.data(), size});
}

ReasonText& ReasonText::add_foreign(std::string_view text) {
    for (const char c : text.substr(0, octets_.size())) {
        const char shown = c == '"' ? '\'' : c >= ' ' && c < '\x7f' ? c : '?';
        add({&shown, 1});
    }
    return *this;
}

void add_denial_reason(const LoweredName& name, std::size_t zone_labels, std::uint16_t qtype,
                       const ClusterOptions& options, const Snapshot& snapshot, ReasonText& out) {
    const std::size_t left = name.labels - zone_labels;
    if (left == 0) {
        return;
    }
    const std::string_view last = name.label(left - 1);
    if (last == "svc" && left >= 3) {
        add_service_reason({name, left - 3}, qtype, options, snapshot, out);
    } else if (last == "svc" && left == 2) {
        if (snapshot.namespace_exposed(name.label(0))) {
            out.add("below a namespace are the names of its services");
        } else {
            add_no_namespace(name.label(0), options, out);
        }
    } else if (last == "pod" && left >= 2) {
        add_pod_reason(name, left - 2, qtype, options, snapshot, out);
    } else if (last != "svc" && last != "pod" && last != "dns" && last != "dns-version") {
        out.add("names of services are <service>.<namespace>.svc in this zone");
    }
}

void add_reverse_denial_reason(const LoweredName& name, std::uint16_t qtype, ReasonText& out) {
    const auto reverse = parse_reverse_name(name.wire());
    if (!reverse || !reverse->complete()) {
        out.add("not the reverse name of an address");
    } else if (qtype == qtype::kPtr) {
        out.add("no service and no ready endpoint has this address");
    } else {
        out.add("an address has PTR records only");
    }
}

}  // namespace zones

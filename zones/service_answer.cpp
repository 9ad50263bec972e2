#include "zones/service_answer.h"

#include <algorithm>

namespace zones {
namespace {

constexpr std::size_t kRecordSize4 = 16;  // pointer, fixed part, 4 octets
constexpr std::size_t kRecordSize6 = 28;

template <typename Ip>
void add_rrset(const JoinedName& owner, std::span<const Ip> addresses, const AnswerStyle& style,
               std::uint32_t ttl, MessageWriter& out) {
    const std::size_t size = sizeof(Ip) == 4 ? kRecordSize4 : kRecordSize6;
    const bool fits = out.remaining() / size >= addresses.size();
    // What does not fit into 64 KiB is not the same records each time.
    const bool rotate = style.rotate || (style.stream && !fits);
    std::size_t at = rotate ? style.random % addresses.size() : 0;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (!out.add_address(owner, Section::Answer, ttl, addresses[at])) {
            out.mark_truncated();
            return;
        }
        at = at + 1 == addresses.size() ? 0 : at + 1;
    }
}

/// Under _port._proto of a headless Service, the endpoints that have the port.
template <typename Ip>
void add_filtered(const JoinedName& owner, const ServiceRecords& service, const PortFilter& filter,
                  std::span<const Ip> addresses, std::uint32_t first_index, std::uint32_t ttl,
                  MessageWriter& out) {
    for (std::uint32_t i = 0; i < addresses.size(); ++i) {
        const auto unlabelled = service.unlabelled_at(first_index + i);
        const auto labelled = service.labelled_at(first_index + i);
        const bool passes =
            std::any_of(unlabelled.begin(), unlabelled.end(),
                        [&](const auto& e) { return has_port(service, e, filter); }) ||
            std::any_of(labelled.begin(), labelled.end(), [&](std::uint32_t e) {
                return has_port(service, service.endpoints[e], filter);
            });
        if (passes && !out.add_address(owner, Section::Answer, ttl, addresses[i])) {
            out.mark_truncated();
            return;
        }
    }
}

/// 100 shared out among all, at least 1 (as CoreDNS does).
std::uint16_t weight_of(std::size_t matches) {
    return static_cast<std::uint16_t>(
        std::max<std::size_t>(1, 100 / std::max<std::size_t>(1, matches)));
}

struct SrvWriter {
    JoinedName owner;
    PlacedName base;  // <service>.<ns>.svc.<zone>, which endpoint labels go in front of
    std::uint32_t ttl;
    std::uint16_t weight;
    MessageWriter& out;

    /// False once the message is full.
    bool add(std::string_view labels, std::uint16_t port) const {
        if (labels.size() + base.length > kMaxNameLength) {
            return true;  // no such name can be
        }
        out.begin_record(owner, qtype::kSrv, ttl);
        out.put_u16(0);  // priority
        out.put_u16(weight);
        out.put_u16(port);
        out.put_name({labels, base});  // RFC 2782: not compressed
        if (!out.end_record(Section::Answer)) {
            out.mark_truncated();
            return false;
        }
        return true;
    }
};

/// Additional records are left out silently once one does not fit (RFC 2181 §9).
bool add_glue(const JoinedName& owner, const AddressSet& addresses, std::uint32_t ttl,
              MessageWriter& out) {
    for (const Ipv4& a : addresses.v4) {
        if (!out.add_address(owner, Section::Additional, ttl, a)) {
            return false;
        }
    }
    for (const Ipv6& a : addresses.v6) {
        if (!out.add_address(owner, Section::Additional, ttl, a)) {
            return false;
        }
    }
    return true;
}

/// SRV at a Service with cluster IPs: a record for each port, all to the Service's own name.
bool add_cluster_srv(const ServiceRecords& service, const PortFilter& filter, SrvWriter writer) {
    const auto passes = [&](const PortRecord& p) { return service.matches(p, filter); };
    const auto ports = service.service_ports;
    const auto count = static_cast<std::size_t>(std::count_if(ports.begin(), ports.end(), passes));
    if (count == 0) {
        return false;
    }
    writer.weight = weight_of(count * service.cluster_ips.size());
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const bool again = std::any_of(
            ports.begin(), ports.begin() + static_cast<std::ptrdiff_t>(i),
            [&](const PortRecord& p) { return p.number == ports[i].number && passes(p); });
        if (passes(ports[i]) && !again && !writer.add({}, ports[i].number)) {
            return true;
        }
    }
    add_glue({{}, writer.base}, service.cluster_ips, writer.ttl, writer.out);
    return true;
}

using Endpoints = std::span<const EndpointRecord>;

/// The endpoints from `first` on that share its label: one SRV target.
Endpoints target_run(Endpoints endpoints, std::size_t first) {
    std::size_t last = first + 1;
    while (
        last < endpoints.size() && endpoints[last].label_at == endpoints[first].label_at &&
        (endpoints[first].label_at != 0 || endpoints[last].address == endpoints[first].address)) {
        ++last;
    }
    return endpoints.subspan(first, last - first);
}

std::size_t count_matches(const ServiceRecords& service, Endpoints endpoints,
                          const PortFilter& filter) {
    std::size_t count = 0;
    for (const EndpointRecord& endpoint : endpoints) {
        const auto ports = service.ports_of(endpoint);
        count += static_cast<std::size_t>(std::count_if(
            ports.begin(), ports.end(), [&](const auto& p) { return service.matches(p, filter); }));
    }
    return count;
}

/// True if an earlier port of the run has this number: equal SRV records are sent once.
bool port_seen(const ServiceRecords& service, Endpoints run, std::size_t endpoint,
               const PortRecord* port, const PortFilter& filter) {
    for (std::size_t i = 0; i <= endpoint; ++i) {
        for (const PortRecord& earlier : service.ports_of(run[i])) {
            if (&earlier == port && i == endpoint) {
                return false;
            }
            if (earlier.number == port->number && service.matches(earlier, filter)) {
                return true;
            }
        }
    }
    return false;
}

bool add_run(const ServiceRecords& service, Endpoints run, const PortFilter& filter,
             const SrvWriter& writer) {
    LabelBuffer label;
    write_label(service, run.front(), label);
    for (std::size_t i = 0; i < run.size(); ++i) {
        if (i > 0 && run[i].port_set == run[i - 1].port_set) {
            continue;
        }
        for (const PortRecord& port : service.ports_of(run[i])) {
            if (service.matches(port, filter) && !port_seen(service, run, i, &port, filter) &&
                !writer.add(label.wire(), port.number)) {
                return false;
            }
        }
    }
    return true;
}

bool add_run_glue(const ServiceRecords& service, Endpoints run, const PortFilter& filter,
                  const SrvWriter& writer) {
    LabelBuffer label;
    write_label(service, run.front(), label);
    const JoinedName owner{label.wire(), writer.base};
    if (label.wire().size() + writer.base.length > kMaxNameLength) {
        return true;
    }
    for (std::size_t i = 0; i < run.size(); ++i) {
        const bool again = i > 0 && run[i].address == run[i - 1].address;
        if (again || count_matches(service, run.subspan(i, 1), filter) == 0) {
            continue;
        }
        const bool fits = std::visit(
            [&](const auto& a) {
                return writer.out.add_address(owner, Section::Additional, writer.ttl, a);
            },
            service.address_of(run[i]));
        if (!fits) {
            return false;
        }
    }
    return true;
}

/// SRV to endpoints: a record for each target and port, then the targets' addresses.
bool add_endpoint_srv(const ServiceRecords& service, std::initializer_list<Endpoints> parts,
                      const PortFilter& filter, SrvWriter writer) {
    std::size_t count = 0;
    for (const Endpoints part : parts) {
        count += count_matches(service, part, filter);
    }
    if (count == 0) {
        return false;
    }
    writer.weight = weight_of(count);
    for (const Endpoints part : parts) {
        for (std::size_t at = 0; at < part.size(); at += target_run(part, at).size()) {
            if (!add_run(service, target_run(part, at), filter, writer)) {
                return true;
            }
        }
    }
    for (const Endpoints part : parts) {
        for (std::size_t at = 0; at < part.size(); at += target_run(part, at).size()) {
            if (!add_run_glue(service, target_run(part, at), filter, writer)) {
                return true;
            }
        }
    }
    return true;
}

}  // namespace

PlacedName suffix_at(const AskedName& asked, std::size_t label) {
    const std::uint8_t at = asked.lowered->label_at[label];
    return {static_cast<std::uint16_t>(asked.placed.offset + at),
            static_cast<std::uint8_t>(asked.placed.length - at)};
}

bool answer_addresses(const JoinedName& owner, const AddressSet& addresses,
                      const AnswerStyle& style, std::uint32_t ttl, MessageWriter& out) {
    if (style.qtype == qtype::kA && !addresses.v4.empty()) {
        add_rrset(owner, addresses.v4, style, ttl, out);
        return true;
    }
    if (style.qtype == qtype::kAaaa && !addresses.v6.empty()) {
        add_rrset(owner, addresses.v6, style, ttl, out);
        return true;
    }
    return false;
}

bool answer_service(const AskedName& asked, const Located& located, const AnswerStyle& style,
                    std::uint32_t ttl, MessageWriter& out) {
    const ServiceRecords& service = *located.service;
    const JoinedName owner{{}, asked.placed};
    const bool headless = service.kind == ServiceRecords::Kind::Headless;
    if (style.qtype == qtype::kSrv) {
        const SrvWriter writer{owner, suffix_at(asked, located.target_label), ttl, 0, out};
        return headless ? add_endpoint_srv(service, {service.endpoints}, located.ports, writer)
                        : add_cluster_srv(service, located.ports, writer);
    }
    if (!headless || located.ports.any() || service.port_sets.size() == 1) {
        return answer_addresses(owner, service.addresses(), style, ttl, out);
    }
    const std::uint16_t before = out.count(Section::Answer);
    const AddressSet& all = service.endpoint_addresses;
    if (style.qtype == qtype::kA) {
        add_filtered(owner, service, located.ports, all.v4, 0, ttl, out);
    } else if (style.qtype == qtype::kAaaa) {
        add_filtered(owner, service, located.ports, all.v6,
                     static_cast<std::uint32_t>(all.v4.size()), ttl, out);
    }
    return out.count(Section::Answer) > before || out.truncated();
}

bool answer_endpoint(const AskedName& asked, const Located& located, const AnswerStyle& style,
                     std::uint32_t ttl, MessageWriter& out) {
    const ServiceRecords& service = *located.service;
    const JoinedName owner{{}, asked.placed};
    const auto& [named, by_address] = located.endpoints;
    if (style.qtype == qtype::kSrv) {
        const SrvWriter writer{owner, suffix_at(asked, 1), ttl, 0, out};
        return add_endpoint_srv(service, {named, by_address}, {}, writer);
    }
    if (style.qtype != qtype::kA && style.qtype != qtype::kAaaa) {
        return false;
    }
    bool found = false;
    for (const Endpoints part : {named, by_address}) {
        for (std::size_t i = 0; i < part.size(); ++i) {
            const bool again = i > 0 && part[i].address == part[i - 1].address;
            if (again || service.is_v4(part[i]) != (style.qtype == qtype::kA)) {
                continue;
            }
            found = true;
            const Address address = service.address_of(part[i]);
            if (!std::visit(
                    [&](const auto& a) { return out.add_address(owner, Section::Answer, ttl, a); },
                    address)) {
                out.mark_truncated();
                return true;
            }
        }
    }
    return found;
}

bool answer_pod(const AskedName& asked, const Located& located, const AnswerStyle& style,
                std::uint32_t ttl, MessageWriter& out) {
    AddressSet addresses;
    if (const auto* v4 = std::get_if<Ipv4>(&located.address)) {
        addresses.v4 = {v4, 1};
    } else {
        addresses.v6 = {&std::get<Ipv6>(located.address), 1};
    }
    if (style.qtype == qtype::kSrv) {  // CoreDNS answers SRV here, with port 0
        const PlacedName target = suffix_at(asked, located.target_label);
        const SrvWriter writer{{{}, asked.placed}, target, ttl, weight_of(1), out};
        if (writer.add({}, 0)) {
            add_glue({{}, target}, addresses, ttl, out);
        }
        return true;
    }
    return answer_addresses({{}, asked.placed}, addresses, style, ttl, out);
}

}  // namespace zones

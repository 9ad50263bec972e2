// What is wrong with the port that was asked for.
#include <algorithm>

#include "server/explain_findings.h"
#include "server/near_spelling.h"

namespace server {
namespace {

using Weight = Finding::Weight;

struct Port {
    std::string name, protocol;
    unsigned number = 0;
    std::vector<std::string> targets;  // as written, and the numbers that a name stands for
};

std::string lower_case(const std::string& text) {
    return zones::to_lower(std::string_view(text));
}

/// A target port that is a name stands for what the slices say.
std::vector<std::string> targets_of(const k8s_client::ServicePortDetail& port,
                                    const k8s_client::ServiceView& view) {
    std::vector<std::string> targets;
    if (!port.target_port.empty()) {
        targets.push_back(lower_case(port.target_port));
    }
    for (const auto& slice : view.slices) {
        for (const auto& there : slice.ports) {
            if (there.name == port.name && there.protocol == port.protocol && there.port) {
                targets.push_back(std::to_string(*there.port));
            }
        }
    }
    return targets;
}

/// Of the object, else what the server keeps of it.
std::vector<Port> ports_of(const ServiceEvidence& service) {
    std::vector<Port> ports;
    if (service.view.service) {
        for (const auto& port : service.view.service->ports) {
            ports.push_back({printable(port.name), printable(port.protocol), port.port,
                             targets_of(port, service.view)});
        }
    } else if (service.records != nullptr) {
        for (const zones::PortRecord& port : service.records->service_ports) {
            std::string protocol(zones::to_string(port.protocol));
            std::ranges::transform(protocol, protocol.begin(), [](char c) {
                return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
            });
            ports.push_back(
                {std::string(service.records->text_at(port.name_at)), protocol, port.number, {}});
        }
    }
    return ports;
}

std::string srv_name(const Port& port, const ServiceEvidence& service) {
    return "_" + lower_case(port.name) + "._" + lower_case(port.protocol) + "." + service.name +
           "." + service.ns;
}

/// `asked` is a target port of the Service, and none of its own.
bool add_target_port(const std::string& asked, const ServiceEvidence& service, bool by_name,
                     std::vector<Finding>& out) {
    for (const Port& port : ports_of(service)) {
        if (std::ranges::find(port.targets, asked) == port.targets.end() ||
            std::to_string(port.number) == asked) {
            continue;
        }
        std::string cure = by_name && !port.name.empty()
                               ? "Ask for " + srv_name(port, service) + '.'
                               : "Connect to port " + std::to_string(port.number) + '.';
        out.push_back({"target-port", Weight::Error,
                       label_text(asked) +
                           " is the target port, where the pods listen. The port of "
                           "the " +
                           service.title() + " is " +
                           port_text(port.name, port.number, port.protocol) + '.',
                       std::move(cure)});
        return true;
    }
    return false;
}

/// `_port._proto` in front of a Service that has no such port.
void add_port_name(const ServiceEvidence& service, const ClusterName& name,
                   std::vector<Finding>& out) {
    const std::string asked = name.port(), protocol = name.protocol();
    const std::vector<Port> ports = ports_of(service);
    if (add_target_port(asked, service, true, out)) {
        return;
    }
    Finding finding{"no-such-port", Weight::Error, {}, {}};
    finding.cause = "The " + service.title() + " has no port \"" + label_text(asked) +
                    "\" with the protocol " + label_text(protocol) +
                    "; its ports: " + ports_text(service) + '.';
    std::vector<std::string> names;
    std::string same_name;
    for (const Port& port : ports) {
        names.push_back(lower_case(port.name));
        if (lower_case(port.name) == asked || std::to_string(port.number) == asked) {
            same_name = port.name.empty() ? same_name : srv_name(port, service);
        }
    }
    const auto near = near_spellings(asked, names);
    if (!same_name.empty()) {
        finding.cure = "Ask for " + same_name + '.';
    } else if (!near.empty()) {
        const auto port = std::ranges::find(names, near.front()) - names.begin();
        finding.cure = "Ask for " + srv_name(ports[static_cast<std::size_t>(port)], service) + '.';
    } else {
        finding.cure = "Ask for one of these ports, or give the port that name in the Service.";
    }
    out.push_back(std::move(finding));
}

/// NAME:PORT
void add_port_number(const ServiceEvidence& service, std::uint16_t asked,
                     std::vector<Finding>& out) {
    const std::vector<Port> ports = ports_of(service);
    const bool headless = service.records != nullptr &&
                          service.records->kind == zones::ServiceRecords::Kind::Headless;
    if (headless || ports.empty() ||
        std::ranges::find(ports, asked, &Port::number) != ports.end()) {
        return;  // behind a headless Service nothing maps ports
    }
    if (!add_target_port(std::to_string(asked), service, false, out)) {
        out.push_back({"no-such-port", Weight::Error,
                       "The " + service.title() + " has no port " + std::to_string(asked) +
                           "; its ports: " + ports_text(service) + '.',
                       "Connect to one of these ports."});
    }
}

}  // namespace

std::string port_text(std::string_view name, unsigned port, std::string_view protocol) {
    return std::string(name) + (name.empty() ? "" : " ") + std::to_string(port) + '/' +
           std::string(protocol);
}

std::string ports_text(const ServiceEvidence& service) {
    std::vector<std::string> texts;
    for (const Port& port : ports_of(service)) {
        texts.push_back(port_text(port.name, port.number, port.protocol));
    }
    return texts.empty() ? "none" : listed(texts);
}

std::string test_command(const ServiceEvidence& service) {
    for (const Port& port : ports_of(service)) {
        if (port.protocol == "TCP") {
            return "nc -zv " + service.name + '.' + service.ns + ' ' + std::to_string(port.number);
        }
    }
    return {};
}

void add_port_findings(const ServiceEvidence& service, const NameEvidence& name,
                       std::vector<Finding>& out) {
    const bool nxdomain = name.reply.rcode == static_cast<unsigned>(zones::Rcode::NxDomain);
    const bool external = service.view.service && service.view.service->type == "ExternalName";
    if (external) {
        return;
    }
    if (!name.answered && nxdomain && name.in_cluster->front.size() == 2) {
        add_port_name(service, *name.in_cluster, out);
    }
    if (name.question.port) {
        add_port_number(service, *name.question.port, out);
    }
}

}  // namespace server

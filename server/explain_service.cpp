#include "server/explain_service.h"

#include <algorithm>

#include "server/explain_findings.h"
#include "zones/address.h"

namespace server {
namespace {

using k8s_client::EndpointDetail;
using k8s_client::SliceDetail;

std::string upper_case(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    });
    return out;
}

/// Why an endpoint that is not in the names is not.
std::string why_out(const EndpointDetail& endpoint, const std::string& address,
                    const ServiceEvidence& service, const zones::ClusterOptions& options) {
    if (options.no_endpoints) {
        return "the Corefile says noendpoints";
    }
    if (!zones::parse_address(address)) {
        return "not an IP address";
    }
    if (!endpoint.ready.value_or(true)) {
        return endpoint.terminating.value_or(false) ? "terminating" : "not ready";
    }
    return service.records == nullptr ? "the server does not have the Service"
                                      : "the server has not seen it (yet)";
}

ExplainedEndpoint explain_endpoint(const EndpointDetail& endpoint, const std::string& address,
                                   const ServiceEvidence& service,
                                   const zones::ClusterOptions& options) {
    ExplainedEndpoint out;
    out.address = printable(address);
    const auto parsed = zones::parse_address(address);
    out.in = service.records != nullptr && parsed && service.records->index_of(*parsed);
    const bool ready = endpoint.ready.value_or(true);
    out.why = !out.in ? why_out(endpoint, address, service, options)
              : ready ? "ready"
                      : "publishNotReadyAddresses";
    if (out.in && !ready && !service.view.service->publish_not_ready_addresses) {
        out.why = "the server has not seen (yet) that it is not ready";
    }
    out.ready = endpoint.ready;
    out.serving = endpoint.serving;
    out.terminating = endpoint.terminating;
    out.hostname = printable(endpoint.hostname);
    if (!endpoint.target_name.empty()) {
        out.target = printable(endpoint.target_kind + ' ' + endpoint.target_name);
    }
    out.node = printable(endpoint.node);
    return out;
}

ExplainedSlice explain_slice(const SliceDetail& slice, const ServiceEvidence& service,
                             const zones::ClusterOptions& options) {
    ExplainedSlice out;
    out.kind = slice.kind;
    out.name = printable(slice.name);
    out.address_type = printable(slice.address_type);
    for (const auto& port : slice.ports) {
        out.ports.push_back(
            port_text(printable(port.name), port.port.value_or(0), printable(port.protocol)));
    }
    for (const EndpointDetail& endpoint : slice.endpoints) {
        for (const std::string& address : endpoint.addresses) {
            out.endpoints.push_back(explain_endpoint(endpoint, address, service, options));
        }
    }
    return out;
}

/// What the server keeps: no selector, no target ports, and of endpoints those that are in.
void add_records(const zones::ServiceRecords& records, ExplainedService& out) {
    using Kind = zones::ServiceRecords::Kind;
    out.headless = records.kind == Kind::Headless;
    out.type = records.kind == Kind::ExternalName ? "ExternalName"
               : records.kind == Kind::Nothing    ? "without an address or name"
                                                  : "ClusterIP";
    for (const auto& ip : records.cluster_ips.v4) {
        out.cluster_ips.push_back(zones::to_string(ip));
    }
    for (const auto& ip : records.cluster_ips.v6) {
        out.cluster_ips.push_back(zones::to_string(ip));
    }
    if (records.kind == Kind::ExternalName) {
        out.external_name = zones::to_string(records.target);
    }
    for (const zones::PortRecord& port : records.service_ports) {
        out.ports.push_back({std::string(records.text_at(port.name_at)),
                             upper_case(zones::to_string(port.protocol)),
                             port.number,
                             {},
                             0});
    }
}

void add_known_endpoints(const zones::ServiceRecords& records, ExplainedService& out) {
    ExplainedSlice known;
    known.kind = "known to the server";
    for (const auto& ip : records.endpoint_addresses.v4) {
        known.endpoints.emplace_back().address = zones::to_string(ip);
    }
    for (const auto& ip : records.endpoint_addresses.v6) {
        known.endpoints.emplace_back().address = zones::to_string(ip);
    }
    for (ExplainedEndpoint& endpoint : known.endpoints) {
        endpoint.in = true;
        endpoint.why = "the server counts it";
    }
    if (!known.endpoints.empty()) {
        out.slices.push_back(std::move(known));
    }
}

void add_object(const k8s_client::ServiceDetail& object, ExplainedService& out) {
    out.detailed = true;
    out.type = printable(object.type);
    out.headless = object.headless();
    out.publish_not_ready_addresses = object.publish_not_ready_addresses;
    for (const std::string& ip : object.cluster_ips) {
        out.cluster_ips.push_back(printable(ip));
    }
    out.external_name = printable(object.external_name);
    for (const auto& port : object.ports) {
        out.ports.push_back({printable(port.name), printable(port.protocol), port.port,
                             printable(port.target_port), port.node_port});
    }
    for (const auto& [key, value] : object.selector) {
        out.selector.emplace_back(printable(key), printable(value));
    }
}

}  // namespace

ExplainedService explain_service(const ServiceEvidence& service,
                                 const zones::ClusterOptions& options) {
    ExplainedService out;
    out.ns = service.ns;
    out.name = service.name;
    if (service.view.service) {
        add_object(*service.view.service, out);
    } else if (service.records != nullptr) {
        add_records(*service.records, out);
    }
    if (service.view.service && service.view.slices_known) {
        for (const SliceDetail& slice : service.view.slices) {
            out.slices.push_back(explain_slice(slice, service, options));
        }
    } else if (service.records != nullptr) {
        add_known_endpoints(*service.records, out);
    }
    return out;
}

}  // namespace server

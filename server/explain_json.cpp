#include "server/explain_json.h"

#include <string_view>

#include "server/json_text.h"

namespace server {
namespace {

void member(JsonText& out, std::string_view name, std::string_view text) {
    out.key(name).words(text);
}

void member(JsonText& out, std::string_view name, const std::optional<bool>& value) {
    if (value) {
        out.member(name, *value);
    } else {
        out.key(name).null();
    }
}

template <typename List, typename Write>
void list(JsonText& out, std::string_view name, const List& values, Write write) {
    out.key(name).begin_array();
    for (const auto& value : values) {
        write(out, value);
    }
    out.end_array();
}

template <typename List, typename Write>
void objects(JsonText& out, std::string_view name, const List& values, Write write) {
    list(out, name, values, [&](JsonText& to, const auto& value) {
        to.begin_object();
        write(to, value);
        to.end_object();
    });
}

void texts(JsonText& out, std::string_view name, const std::vector<std::string>& values) {
    list(out, name, values, [](JsonText& to, const std::string& value) { to.words(value); });
}

void write_step(JsonText& out, const ExplainedStep& step) {
    member(out, "name", step.name);
    member(out, "asked", step.asked);
    member(out, "rcode", step.rcode);
    out.member("records", step.records);
    member(out, "answers", step.answers);
    member(out, "server_block", step.server_block);
    member(out, "plugin", step.plugin);
    member(out, "reason", step.reason);
}

void write_port(JsonText& out, const ExplainedPort& port) {
    member(out, "name", port.name);
    member(out, "protocol", port.protocol);
    out.member("port", port.port);
    member(out, "target_port", port.target_port);
    out.member("node_port", port.node_port);
}

void write_endpoint(JsonText& out, const ExplainedEndpoint& endpoint) {
    member(out, "address", endpoint.address);
    member(out, "in", endpoint.in);
    member(out, "why", endpoint.why);
    member(out, "ready", endpoint.ready);
    member(out, "serving", endpoint.serving);
    member(out, "terminating", endpoint.terminating);
    member(out, "hostname", endpoint.hostname);
    member(out, "target", endpoint.target);
    member(out, "node", endpoint.node);
}

void write_slice(JsonText& out, const ExplainedSlice& slice) {
    member(out, "kind", slice.kind);
    member(out, "name", slice.name);
    member(out, "address_type", slice.address_type);
    texts(out, "ports", slice.ports);
    objects(out, "endpoints", slice.endpoints, write_endpoint);
}

void write_service(JsonText& out, const ExplainedService& service) {
    member(out, "namespace", service.ns);
    member(out, "name", service.name);
    member(out, "type", service.type);
    member(out, "headless", service.headless);
    member(out, "detailed", service.detailed);
    texts(out, "cluster_ips", service.cluster_ips);
    member(out, "external_name", service.external_name);
    objects(out, "ports", service.ports, write_port);
    out.key("selector").begin_object();
    for (const auto& [name, value] : service.selector) {
        member(out, name, value);
    }
    out.end_object();
    member(out, "publish_not_ready_addresses", service.publish_not_ready_addresses);
    objects(out, "slices", service.slices, write_slice);
}

void write_link(JsonText& out, const ExplainedLink& link) {
    member(out, "owner", link.owner);
    member(out, "target", link.target);
    member(out, "server_block", link.server_block);
    member(out, "asks", link.asks);
}

void write_finding(JsonText& out, const Finding& finding) {
    constexpr std::string_view kWeights[] = {"note", "warning", "error"};
    member(out, "code", finding.code);
    member(out, "weight", kWeights[static_cast<std::size_t>(finding.weight)]);
    member(out, "cause", finding.cause);
    member(out, "cure", finding.cure);
}

void write_question(JsonText& out, const Explanation& explanation) {
    member(out, "name", explanation.name);
    member(out, "type", explanation.type);
    member(out, "namespace", explanation.ns);
    member(out, "from", explanation.from);
    member(out, "pod", explanation.pod);
    member(out, "found", explanation.found);
}

}  // namespace

std::string explanation_json(const Explanation& explanation, const std::string& with_text) {
    JsonText out;
    out.begin_object();
    write_question(out, explanation);
    texts(out, "search", explanation.search);
    objects(out, "steps", explanation.steps, write_step);
    out.key("subject");
    if (explanation.subject) {
        out.value(*explanation.subject);
    } else {
        out.null();
    }
    objects(out, "services", explanation.services, write_service);
    objects(out, "chain", explanation.chain, write_link);
    texts(out, "message", explanation.message);
    objects(out, "findings", explanation.findings, write_finding);
    texts(out, "notes", explanation.notes);
    if (!with_text.empty()) {
        member(out, "text", with_text);
    }
    out.end_object();
    return out.text();
}

}  // namespace server

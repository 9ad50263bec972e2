#include "server/explain_json.h"

#include <string_view>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace server {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void text(Writer& out, std::string_view value) {
    out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void key(Writer& out, std::string_view name) {
    out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void member(Writer& out, std::string_view name, std::string_view value) {
    key(out, name);
    text(out, value);
}

void member(Writer& out, std::string_view name, bool value) {
    key(out, name);
    out.Bool(value);
}

void member(Writer& out, std::string_view name, const std::optional<bool>& value) {
    key(out, name);
    if (value) {
        out.Bool(*value);
    } else {
        out.Null();
    }
}

void number(Writer& out, std::string_view name, std::size_t value) {
    key(out, name);
    out.Uint64(value);
}

template <typename List, typename Write>
void list(Writer& out, std::string_view name, const List& values, Write write) {
    key(out, name);
    out.StartArray();
    for (const auto& value : values) {
        write(out, value);
    }
    out.EndArray();
}

template <typename List, typename Write>
void objects(Writer& out, std::string_view name, const List& values, Write write) {
    list(out, name, values, [&](Writer& to, const auto& value) {
        to.StartObject();
        write(to, value);
        to.EndObject();
    });
}

void texts(Writer& out, std::string_view name, const std::vector<std::string>& values) {
    list(out, name, values, [](Writer& to, const std::string& value) { text(to, value); });
}

void write_step(Writer& out, const ExplainedStep& step) {
    member(out, "name", step.name);
    member(out, "asked", step.asked);
    member(out, "rcode", step.rcode);
    number(out, "records", step.records);
    member(out, "answers", step.answers);
    member(out, "server_block", step.server_block);
    member(out, "plugin", step.plugin);
    member(out, "reason", step.reason);
}

void write_port(Writer& out, const ExplainedPort& port) {
    member(out, "name", port.name);
    member(out, "protocol", port.protocol);
    number(out, "port", port.port);
    member(out, "target_port", port.target_port);
    number(out, "node_port", port.node_port);
}

void write_endpoint(Writer& out, const ExplainedEndpoint& endpoint) {
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

void write_slice(Writer& out, const ExplainedSlice& slice) {
    member(out, "kind", slice.kind);
    member(out, "name", slice.name);
    member(out, "address_type", slice.address_type);
    texts(out, "ports", slice.ports);
    objects(out, "endpoints", slice.endpoints, write_endpoint);
}

void write_service(Writer& out, const ExplainedService& service) {
    member(out, "namespace", service.ns);
    member(out, "name", service.name);
    member(out, "type", service.type);
    member(out, "headless", service.headless);
    member(out, "detailed", service.detailed);
    texts(out, "cluster_ips", service.cluster_ips);
    member(out, "external_name", service.external_name);
    objects(out, "ports", service.ports, write_port);
    key(out, "selector");
    out.StartObject();
    for (const auto& [name, value] : service.selector) {
        member(out, name, std::string_view(value));
    }
    out.EndObject();
    member(out, "publish_not_ready_addresses", service.publish_not_ready_addresses);
    objects(out, "slices", service.slices, write_slice);
}

void write_link(Writer& out, const ExplainedLink& link) {
    member(out, "owner", link.owner);
    member(out, "target", link.target);
    member(out, "server_block", link.server_block);
    member(out, "asks", link.asks);
}

void write_finding(Writer& out, const Finding& finding) {
    constexpr std::string_view kWeights[] = {"note", "warning", "error"};
    member(out, "code", finding.code);
    member(out, "weight", kWeights[static_cast<std::size_t>(finding.weight)]);
    member(out, "cause", finding.cause);
    member(out, "cure", finding.cure);
}

void write_question(Writer& out, const Explanation& explanation) {
    member(out, "name", explanation.name);
    member(out, "type", explanation.type);
    member(out, "namespace", explanation.ns);
    member(out, "from", explanation.from);
    member(out, "pod", explanation.pod);
    member(out, "found", explanation.found);
}

}  // namespace

std::string explanation_json(const Explanation& explanation, const std::string& with_text) {
    rapidjson::StringBuffer buffer;
    Writer out(buffer);
    out.StartObject();
    write_question(out, explanation);
    texts(out, "search", explanation.search);
    objects(out, "steps", explanation.steps, write_step);
    key(out, "subject");
    if (explanation.subject) {
        out.Uint64(*explanation.subject);
    } else {
        out.Null();
    }
    objects(out, "services", explanation.services, write_service);
    objects(out, "chain", explanation.chain, write_link);
    texts(out, "message", explanation.message);
    objects(out, "findings", explanation.findings, write_finding);
    texts(out, "notes", explanation.notes);
    if (!with_text.empty()) {
        member(out, "text", std::string_view(with_text));
    }
    out.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace server

#include "server/explain_text.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "k8s_client/service_detail.h"

namespace server {
namespace {

enum class Colour { Plain, Bold, Faint, Green, Yellow, Red };

class Page {
  public:
    Page(const Explanation& explanation, bool colours)
        : explanation_(explanation), colours_(colours) {}

    std::string write();

  private:
    std::string in(Colour colour, std::string_view text) const;
    void heading(std::string_view text) { out_ += '\n' + in(Colour::Bold, text) + '\n'; }
    void line(std::string_view text) { out_.append("  ").append(text) += '\n'; }
    void write_question();
    void write_steps();
    void write_service(const ExplainedService& service);
    void write_slice(const ExplainedSlice& slice);
    void write_chain();
    void write_findings();
    std::string step_result(const ExplainedStep& step) const;

    const Explanation& explanation_;
    const bool colours_;
    std::string out_;
};

std::string Page::in(Colour colour, std::string_view text) const {
    static constexpr std::string_view kCodes[] = {"", "1", "2", "32", "33", "31"};
    if (!colours_ || colour == Colour::Plain) {
        return std::string(text);
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(colour)], text);
}

void Page::write_question() {
    const auto& e = explanation_;
    std::string who = e.from.empty()  ? "a pod of the namespace " + e.ns
                      : e.pod.empty() ? e.from + ", namespace " + e.ns
                                      : "the pod " + e.pod + " (" + e.from + "), namespace " + e.ns;
    out_ += in(Colour::Bold, e.name + ' ' + e.type) + ", asked by " + who + ": " +
            (e.found ? in(Colour::Green, "found") : in(Colour::Red, "not found")) + '\n';
}

std::string Page::step_result(const ExplainedStep& step) const {
    if (!step.asked) {
        return in(Colour::Faint, "not asked");
    }
    std::string text = step.rcode;
    if (step.rcode == "NOERROR") {
        text += step.records == 1 ? ", 1 record" : fmt::format(", {} records", step.records);
    }
    text = in(step.answers ? Colour::Green : Colour::Plain, text);
    if (!step.server_block.empty()) {
        text +=
            fmt::format("  {}{}", step.server_block, step.plugin.empty() ? "" : " " + step.plugin);
    }
    if (!step.reason.empty()) {
        text += "  (" + step.reason + ")";
    }
    return text;
}

void Page::write_steps() {
    const auto& e = explanation_;
    if (e.search.empty()) {
        heading("Name");
    } else {
        heading("Names tried");
        line(in(Colour::Faint, fmt::format("search {}, ndots:5", fmt::join(e.search, " "))));
    }
    std::size_t width = 0;
    for (const ExplainedStep& step : e.steps) {
        width = std::max(width, step.name.size());
    }
    for (std::size_t i = 0; i < e.steps.size(); ++i) {
        const ExplainedStep& step = e.steps[i];
        const bool subject = e.subject == i;
        line(
            fmt::format("{} {:<{}}  {}", subject ? '>' : ' ', step.name, width, step_result(step)));
    }
}

std::string port_line(const ExplainedPort& port) {
    std::string text =
        fmt::format("{}{}{}/{}", port.name, port.name.empty() ? "" : " ", port.port, port.protocol);
    if (!port.target_port.empty()) {
        text += " -> " + port.target_port;
    }
    return port.node_port == 0 ? text : fmt::format("{}, node port {}", text, port.node_port);
}

void Page::write_service(const ExplainedService& service) {
    heading(fmt::format("Service {}/{}", service.ns, service.name));
    line(fmt::format("type                      {}{}", service.type,
                     service.headless ? ", headless" : ""));
    if (!service.cluster_ips.empty() && !service.headless) {
        line(fmt::format("cluster IPs               {}", fmt::join(service.cluster_ips, ", ")));
    }
    if (!service.external_name.empty()) {
        line("external name             " + service.external_name);
    }
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
        line(fmt::format("{:<26}{}", i == 0 ? "ports" : "", port_line(service.ports[i])));
    }
    if (service.detailed && service.type != "ExternalName") {
        const std::string selector = k8s_client::selector_text(service.selector);
        line("selector                  " + (selector.empty() ? "none" : selector));
        line(fmt::format("publishNotReadyAddresses  {}", service.publish_not_ready_addresses));
    }
    for (const ExplainedSlice& slice : service.slices) {
        write_slice(slice);
    }
}

std::string condition(std::string_view name, const std::optional<bool>& value) {
    return value ? fmt::format("{}{}", *value ? "" : "not ", name) : std::string();
}

void Page::write_slice(const ExplainedSlice& slice) {
    std::string title = slice.kind;
    if (slice.kind == "known to the server") {
        title = "Endpoints known to the server";
    }
    title += slice.name.empty() ? "" : ' ' + slice.name;
    title += slice.address_type.empty() ? "" : " (" + slice.address_type + ")";
    if (!slice.ports.empty()) {
        title += fmt::format(", ports {}", fmt::join(slice.ports, ", "));
    }
    line(title);
    for (const ExplainedEndpoint& endpoint : slice.endpoints) {
        std::vector<std::string> said{condition("ready", endpoint.ready),
                                      condition("serving", endpoint.serving)};
        if (endpoint.terminating.value_or(false)) {
            said.emplace_back("terminating");
        }
        if (!endpoint.hostname.empty()) {
            said.push_back("hostname " + endpoint.hostname);
        }
        if (!endpoint.target.empty()) {
            said.push_back(endpoint.target);
        }
        std::erase(said, std::string());
        const std::string text = fmt::format(
            "  {} {}: {}{}", endpoint.in ? "in " : "out", endpoint.address, endpoint.why,
            said.empty() ? "" : fmt::format(" ({})", fmt::join(said, ", ")));
        line(in(endpoint.in ? Colour::Green : Colour::Yellow, text));
    }
}

void Page::write_chain() {
    if (explanation_.chain.empty()) {
        return;
    }
    heading("CNAMEs");
    for (const ExplainedLink& link : explanation_.chain) {
        const std::string asks = link.server_block.empty() ? "no server block"
                                 : link.asks.empty()       ? link.server_block
                                                           : link.server_block + ' ' + link.asks;
        line(fmt::format("{} -> {}  {}", link.owner, link.target, asks));
    }
}

void Page::write_findings() {
    if (!explanation_.findings.empty()) {
        heading("Findings");
    }
    for (const Finding& finding : explanation_.findings) {
        const bool error = finding.weight == Finding::Weight::Error;
        const bool note = finding.weight == Finding::Weight::Note;
        const Colour colour = error ? Colour::Red : note ? Colour::Plain : Colour::Yellow;
        line(in(colour, error ? "error:   " : note ? "note:    " : "warning: ") + finding.cause);
        line("   cure: " + finding.cure);
    }
    if (!explanation_.notes.empty()) {
        heading("Not looked at");
    }
    for (const std::string& note : explanation_.notes) {
        line(note);
    }
}

std::string Page::write() {
    write_question();
    write_steps();
    for (const ExplainedService& service : explanation_.services) {
        write_service(service);
    }
    write_chain();
    if (!explanation_.message.empty()) {
        heading("Message");
    }
    for (const std::string& text : explanation_.message) {
        line(text);
    }
    write_findings();
    return std::move(out_);
}

}  // namespace

std::string explanation_text(const Explanation& explanation, bool colours) {
    return Page(explanation, colours).write();
}

}  // namespace server

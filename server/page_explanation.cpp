#include "server/page_explanation.h"

#include <algorithm>
#include <array>

#include "k8s_client/service_detail.h"
#include "server/html_table.h"

namespace server {
namespace {

/// Of a slice; those that are out come first.
constexpr std::size_t kMostEndpoints = 100;

constexpr std::array<std::string_view, 9> kOfferedTypes = {"A",  "AAAA", "SRV", "CNAME", "PTR",
                                                           "NS", "SOA",  "TXT", "MX"};

void write_name(HtmlText& out, std::string_view name) {
    if (!name.empty()) {
        out.add("<span class=\"name\">").text(name).add("</span>");
    }
}

void write_types(HtmlText& out, std::string_view asked) {
    out.add("<label>Type<select name=\"type\"><option value=\"\">A, or PTR</option>");
    const auto write = [&](std::string_view type, bool selected) {
        out.add("<option");
        if (selected) {
            out.add(" selected");
        }
        out.add(">").text(type).add("</option>");
    };
    const bool listed = std::ranges::find(kOfferedTypes, asked) != kOfferedTypes.end();
    for (const std::string_view type : kOfferedTypes) {
        write(type, type == asked);
    }
    if (!listed && !asked.empty()) {
        write(asked, true);
    }
    out.add("</select></label>");
}

void write_explained_verdict(HtmlText& out, const Explanation& explanation) {
    out.add("<div id=\"explained\" data-live role=\"status\" class=\"verdict ");
    out.text(explanation.found ? "ok" : "bad").add("\"><p>");
    write_state(out, explanation.found ? StateMark::Ok : StateMark::Bad,
                explanation.found ? "Found." : "Not found.");
    out.add(" ");
    write_name(out, explanation.name);
    out.add(" ").text(explanation.type).add(", asked by ");
    if (!explanation.pod.empty()) {
        out.add("the pod ");
        write_name(out, explanation.pod);
        out.add(" (").text(explanation.from).add(")");
    } else if (!explanation.from.empty()) {
        out.text(explanation.from).add(", namespace ");
        write_name(out, explanation.ns);
    } else {
        out.add("a pod of the namespace ");
        write_name(out, explanation.ns);
    }
    out.add(".</p></div>\n");
}

void write_finding_item(HtmlText& out, const Finding& finding) {
    switch (finding.weight) {
        case Finding::Weight::Error:
            out.add("<li class=\"error\">");
            write_state(out, StateMark::Bad, "Error");
            break;
        case Finding::Weight::Warning:
            out.add("<li class=\"warning\">");
            write_state(out, StateMark::Warning, "Warning");
            break;
        case Finding::Weight::Note:
            out.add("<li class=\"note\">");
            write_state(out, StateMark::None, "Note");
            break;
    }
    out.add(" <span class=\"cause\">").text(finding.cause).add("</span>");
    if (!finding.cure.empty()) {
        out.add("<p class=\"cure\"><b>What to do:</b> ").text(finding.cure).add("</p>");
    }
    out.add("</li>\n");
}

/// A search list's steps that lead nowhere are as they should be: only what is explained is bad.
void write_step_result(HtmlText& out, const ExplainedStep& step, bool subject) {
    if (!step.asked) {
        write_state(out, StateMark::None, "not asked");
        return;
    }
    std::string text = step.rcode;
    if (step.rcode == "NOERROR") {
        text += step.records == 1 ? ", 1 record" : ", " + grouped(step.records) + " records";
    }
    write_state(out,
                step.answers ? StateMark::Ok
                : subject    ? StateMark::Bad
                             : StateMark::None,
                text);
}

void write_steps(HtmlText& out, const Explanation& explanation) {
    out.add(
        "<section aria-labelledby=\"steps\"><h2 id=\"steps\">Names tried</h2>\n"
        "<div id=\"steps-table\" data-live>");
    HtmlText caption;
    if (explanation.search.empty()) {
        caption.add("<span class=\"soft\">Asked as it is</span>");
    } else {
        caption.add("<span class=\"soft\">search ");
        for (const std::string& suffix : explanation.search) {
            write_name(caption, suffix);
            caption.add(" ");
        }
        caption.add("ndots:5</span>");
    }
    HtmlTable table(out, caption, {{"Name"}, {"Reply"}, {"Server block"}, {"Plugin"}, {"Reason"}});
    for (std::size_t i = 0; i < explanation.steps.size(); ++i) {
        const ExplainedStep& step = explanation.steps[i];
        table.row(std::to_string(i) + step.name);
        if (explanation.subject == i) {  // what the rest of the page is about
            write_name(table.cell().add("<b>"), step.name);
            out.add("</b>");
        } else {
            write_name(table.cell(), step.name);
        }
        write_step_result(table.cell(), step, explanation.subject == i);
        write_name(table.cell(), step.server_block);
        table.cell(step.plugin);
        table.cell(step.reason);
    }
    table.end();
    out.add("</div></section>\n");
}

std::string explained_port_text(const ExplainedPort& port) {
    std::string text = port.name.empty() ? "" : port.name + " ";
    text += std::to_string(port.port) + "/" + port.protocol;
    if (!port.target_port.empty()) {
        text += " to " + port.target_port;
    }
    return port.node_port == 0 ? text : text + ", node port " + std::to_string(port.node_port);
}

void write_fact(HtmlText& out, std::string_view term, const std::vector<std::string>& values) {
    if (values.empty()) {
        return;
    }
    out.add("<dt>").text(term).add("</dt><dd>");
    bool first = true;
    for (const std::string& value : values) {
        if (!first) {
            out.add("<br>");
        }
        first = false;
        write_name(out, value);
    }
    out.add("</dd>\n");
}

void write_facts(HtmlText& out, const ExplainedService& service) {
    out.add("<dl class=\"facts\">");
    write_fact(out, "Type", {service.type + (service.headless ? ", headless" : "")});
    if (!service.headless) {
        write_fact(out, "Cluster IPs", service.cluster_ips);
    }
    if (!service.external_name.empty()) {
        write_fact(out, "External name", {service.external_name});
    }
    std::vector<std::string> ports;
    std::ranges::transform(service.ports, std::back_inserter(ports), explained_port_text);
    write_fact(out, "Ports", ports);
    if (service.detailed && service.type != "ExternalName") {
        const std::string selector = k8s_client::selector_text(service.selector);
        write_fact(out, "Selector", {selector.empty() ? "none" : selector});
        if (service.publish_not_ready_addresses) {
            write_fact(out, "Not ready addresses", {"published"});
        }
    }
    out.add("</dl>\n");
}

std::string_view yes_or_no(const std::optional<bool>& value) {
    return !value ? "" : *value ? "yes" : "no";
}

void write_endpoint_row(HtmlTable& table, const ExplainedEndpoint& endpoint, std::size_t number) {
    table.row(endpoint.address + " " + endpoint.target + " " + std::to_string(number));
    write_name(table.cell(), endpoint.address);
    write_state(table.cell(), endpoint.in ? StateMark::Ok : StateMark::Warning,
                endpoint.in ? "in" : "out");
    table.cell(endpoint.why);
    table.cell(yes_or_no(endpoint.ready));
    table.cell(yes_or_no(endpoint.serving));
    table.cell(yes_or_no(endpoint.terminating));
    write_name(table.cell(), endpoint.target);
    write_name(table.cell(), endpoint.hostname);
    write_name(table.cell(), endpoint.node);
}

void write_slice_table(HtmlText& out, const ExplainedSlice& slice) {
    HtmlText caption;
    caption.text(slice.kind == "known to the server" ? "Endpoints known to the server"
                                                     : slice.kind);
    caption.add(" <span class=\"soft\">");
    write_name(caption, slice.name);
    caption.add(" ").text(slice.address_type);
    for (const std::string& port : slice.ports) {
        caption.add(", ").text(port);
    }
    caption.add("</span>");
    std::vector<const ExplainedEndpoint*> endpoints;
    for (const ExplainedEndpoint& endpoint : slice.endpoints) {
        endpoints.push_back(&endpoint);
    }
    std::stable_partition(endpoints.begin(), endpoints.end(),
                          [](const auto* endpoint) { return !endpoint->in; });
    out.add("<div class=\"part\">");
    HtmlTable table(out, caption,
                    {{"Address"},
                     {"Names have it"},
                     {"Why"},
                     {"Ready"},
                     {"Serving"},
                     {"Terminating"},
                     {"Target"},
                     {"Hostname"},
                     {"Node"}});
    for (std::size_t i = 0; i < endpoints.size() && i < kMostEndpoints; ++i) {
        write_endpoint_row(table, *endpoints[i], i);
    }
    table.end();
    if (endpoints.size() > kMostEndpoints) {
        out.add("<p class=\"soft\">")
            .number(endpoints.size() - kMostEndpoints)
            .add(" more are not shown; the JSON has them.</p>");
    }
    out.add("</div>\n");
}

void write_explained_services(HtmlText& out, const Explanation& explanation) {
    out.add("<div id=\"explained-services\" data-live>\n");
    for (const ExplainedService& service : explanation.services) {
        out.add("<section data-key=\"")
            .text(service.ns + "/" + service.name)
            .add("\"><h2>Service ");
        write_name(out, service.ns + "/" + service.name);
        out.add("</h2>\n");
        write_facts(out, service);
        std::ranges::for_each(service.slices,
                              [&](const ExplainedSlice& slice) { write_slice_table(out, slice); });
        out.add("</section>\n");
    }
    if (!explanation.chain.empty()) {
        out.add("<section data-key=\"chain\"><h2>CNAMEs</h2>\n");
        HtmlTable table(out,
                        HtmlText().add("<span class=\"soft\">And who is asked for them</span>"),
                        {{"Name"}, {"Leads to"}, {"Server block"}, {"Asks"}});
        for (const ExplainedLink& link : explanation.chain) {
            table.row(link.owner + " " + link.target);
            write_name(table.cell(), link.owner);
            write_name(table.cell(), link.target);
            write_name(table.cell(), link.server_block.empty() ? "none" : link.server_block);
            table.cell(link.asks);
        }
        table.end();
        out.add("</section>\n");
    }
    out.add("</div>\n");
}

void write_message(HtmlText& out, const Explanation& explanation) {
    out.add("<div id=\"message\" data-live>");
    if (!explanation.message.empty()) {
        // What scrolls has to be reached by keyboard; long lines are folded instead.
        out.add("<section><h2>Message</h2><pre>");
        for (const std::string& line : explanation.message) {
            out.text(line).add("\n");
        }
        out.add("</pre></section>");
    }
    out.add("</div>\n");
}

}  // namespace

void write_ask_form(HtmlText& out, const ExplainRequest& asked) {
    out.add(
           "<form class=\"ask\" action=\"/explain\" method=\"get\" role=\"search\" "
           "aria-label=\"Explain a name\"><label class=\"wide\">Name, as a pod would ask for it"
           "<input name=\"name\" required maxlength=\"253\" autocomplete=\"off\" "
           "autocapitalize=\"none\" spellcheck=\"false\" value=\"")
        .text(asked.name)
        .add("\"></label>");
    write_types(out, asked.type);
    out.add(
           "<label>Namespace of the pod<input name=\"namespace\" maxlength=\"63\" "
           "autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" "
           "placeholder=\"default\" value=\"")
        .text(asked.ns)
        .add(
            "\"></label><label>or its IP address<input name=\"from\" maxlength=\"45\" "
            "autocomplete=\"off\" spellcheck=\"false\" value=\"")
        .text(asked.from)
        .add("\"></label><button class=\"go\" type=\"submit\">Explain</button></form>\n");
}

void write_explanation(HtmlText& out, const Explanation& explanation) {
    write_explained_verdict(out, explanation);
    out.add("<div id=\"findings\" data-live>");
    if (!explanation.findings.empty()) {
        out.add("<section><h2>Why</h2><ul class=\"findings\">\n");
        for (const Finding& finding : explanation.findings) {
            write_finding_item(out, finding);
        }
        out.add("</ul></section>");
    }
    out.add("</div>\n");
    write_steps(out, explanation);
    write_explained_services(out, explanation);
    write_message(out, explanation);
    out.add("<div id=\"notes\" data-live>");
    if (!explanation.notes.empty()) {
        out.add("<section><h2>Not looked at</h2><ul>");
        for (const std::string& note : explanation.notes) {
            out.add("<li>").text(note).add("</li>");
        }
        out.add("</ul></section>");
    }
    out.add("</div>\n");
}

}  // namespace server

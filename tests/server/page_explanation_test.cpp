// An explanation as HTML: what it says, in which order, and that nothing of it is markup.
#include "server/page_explanation.h"

#include <doctest/doctest.h>

#include "tests/server/read_html.h"

using namespace server::testing;
using server::ExplainedEndpoint;
using server::ExplainRequest;
using server::Explanation;
using server::Finding;
using server::HtmlText;

namespace {

Explanation not_ready() {
    Explanation e;
    e.name = "kubia";
    e.type = "A";
    e.ns = "default";
    e.search = {"default.svc.cluster.local.", "svc.cluster.local.", "cluster.local."};
    e.steps = {{.name = "kubia.default.svc.cluster.local.",
                .asked = true,
                .rcode = "NXDOMAIN",
                .server_block = ".:53",
                .plugin = "kubernetes",
                .reason = "service kubia has 0 of 2 endpoints ready"},
               {"kubia.", false, "", 0, false, "", "", ""}};
    e.subject = 0;
    server::ExplainedService service;
    service.ns = "default";
    service.name = "kubia";
    service.type = "ClusterIP";
    service.headless = true;
    service.detailed = true;
    service.ports = {{"http", "TCP", 80, "8080", 0}};
    service.selector = {{"app", "kubia"}, {"tier", "web"}};
    server::ExplainedSlice slice{"EndpointSlice", "kubia-x", "IPv4", {"http 8080/TCP"}, {}};
    ExplainedEndpoint in, out;
    in.address = "10.0.0.1";
    in.in = true;
    in.why = "ready";
    in.ready = true;
    out.address = "10.0.0.2";
    out.why = "not ready";
    out.ready = false;
    out.target = "Pod kubia-2";
    out.node = "node-1";
    slice.endpoints = {in, out};
    service.slices = {slice};
    e.services = {service};
    e.chain = {{"a.example.", "b.example.", ".:53", "forward . to 192.0.2.53:53"}};
    e.message = {";; ->>HEADER<<- opcode: QUERY", "kubia. IN A"};
    e.findings = {{"pod-not-ready", Finding::Weight::Error, "The pod kubia-2 is not ready.",
                   "Look at its readiness probe."},
                  {"ping", Finding::Weight::Note, "A cluster IP answers no ping.", ""}};
    e.notes = {"pods were not looked at"};
    return e;
}

std::string page_of(const Explanation& explanation) {
    HtmlText out;
    server::write_explanation(out, explanation);
    return read_html(out);
}

}  // namespace

TEST_CASE("an explanation: what was asked, why, and what was looked at") {
    const std::string text = page_of(not_ready());
    INFO(text);
    CHECK(text.starts_with("Not found. kubia A, asked by a pod of the namespace default ."));
    CHECK(text.find("Error The pod kubia-2 is not ready. What to do: Look at its readiness probe. "
                    "Note A cluster IP answers no ping. Names tried") != text.npos);
    CHECK(
        text.find("search default.svc.cluster.local. svc.cluster.local. cluster.local. ndots:5") !=
        text.npos);
    CHECK(text.find("kubia.default.svc.cluster.local. NXDOMAIN .:53 kubernetes service kubia has 0 "
                    "of 2 endpoints ready kubia. not asked") != text.npos);
    CHECK(text.find("Service default/kubia Type ClusterIP, headless Ports http 80/TCP to 8080 "
                    "Selector app=kubia,tier=web EndpointSlice kubia-x IPv4, http 8080/TCP") !=
          text.npos);
    CHECK(text.find("a.example. b.example. .:53 forward . to 192.0.2.53:53") != text.npos);
    CHECK(text.find("Message ;; -&gt;&gt;HEADER&lt;&lt;- opcode: QUERY kubia. IN A") != text.npos);
    CHECK(text.find("Not looked at pods were not looked at") != text.npos);
}

TEST_CASE("endpoints that are out come first") {
    const std::string text = page_of(not_ready());
    INFO(text);
    CHECK(text.find("10.0.0.2 out not ready no Pod kubia-2 node-1 10.0.0.1 in ready yes") !=
          text.npos);
}

TEST_CASE("a Service of thousands has a hundred endpoints on the page") {
    Explanation e = not_ready();
    auto& endpoints = e.services[0].slices[0].endpoints;
    endpoints.resize(1500, endpoints[0]);
    const std::string text = page_of(e);
    CHECK(text.find("10.0.0.2 out") != text.npos);
    CHECK(text.find("1,400 more are not shown; the JSON has them.") != text.npos);
}

TEST_CASE("who asked") {
    Explanation e = not_ready();
    e.found = true;
    e.from = "10.0.0.9";
    CHECK(page_of(e).starts_with("Found. kubia A, asked by 10.0.0.9, namespace default ."));
    e.pod = "default/client";
    CHECK(page_of(e).starts_with("Found. kubia A, asked by the pod default/client (10.0.0.9)."));
}

TEST_CASE("the form shows what was asked, also a type that it does not offer") {
    HtmlText out;
    server::write_ask_form(out, {.name = "a\"<b>", .type = "TYPE65", .from = "::1", .ns = "x&y"});
    const std::string& html = out.written();
    CHECK(html.find("value=\"a&quot;&lt;b&gt;\"") != html.npos);
    CHECK(html.find("<option selected>TYPE65</option>") != html.npos);
    CHECK(html.find("value=\"::1\"") != html.npos);
    CHECK(html.find("value=\"x&amp;y\"") != html.npos);
    HtmlText plain;
    server::write_ask_form(plain, {.name = "a", .type = "AAAA", .from = "", .ns = ""});
    CHECK(plain.written().find("<option selected>AAAA</option>") != std::string::npos);
}

TEST_CASE("whatever is in an explanation is text") {
    Explanation e = not_ready();
    e.name = e.type = e.ns = e.from = e.pod = kHostileText;
    e.search = e.message = e.notes = {kHostileText};
    e.steps = {{.name = kHostileText,
                .asked = true,
                .rcode = kHostileText,
                .server_block = kHostileText,
                .plugin = kHostileText,
                .reason = kHostileText}};
    auto& service = e.services[0];
    service.ns = service.name = service.type = service.external_name = kHostileText;
    service.cluster_ips = {kHostileText};
    service.ports = {{kHostileText, kHostileText, 1, kHostileText, 2}};
    service.selector = {{kHostileText, kHostileText}};
    auto& slice = service.slices[0];
    slice.kind = slice.name = slice.address_type = kHostileText;
    slice.ports = {kHostileText};
    auto& endpoint = slice.endpoints[0];
    endpoint.address = endpoint.why = endpoint.hostname = endpoint.target = endpoint.node =
        kHostileText;
    e.chain = {{kHostileText, kHostileText, kHostileText, kHostileText}};
    e.findings = {{"code", Finding::Weight::Warning, kHostileText, kHostileText}};
    HtmlText out;
    server::write_explanation(out, e);
    CHECK(out.written().find("<script") == std::string::npos);
    CHECK(out.written().find("\"'") == std::string::npos);
    CHECK(out.written().find("&lt;script&gt;") != std::string::npos);
}

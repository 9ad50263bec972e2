// Findings about upstreams, search lists, snapshots, and several clusters, with their exact text.
#include <doctest/doctest.h>

#include "server/explain_findings.h"
#include "tests/server/explain_rig.h"

namespace server {
namespace {

using testing::ExplainRig;
using testing::service_yaml;
using testing::Texts;
using testing::web_yaml;

ExplainQuestion question_for(const std::string& name, const std::string& type = "A") {
    return read_question({.name = name, .type = type, .from = {}, .ns = {}}).value();
}

ExplainedStep step(const std::string& name, const std::string& rcode, bool answers = false) {
    ExplainedStep out;
    out.name = name;
    out.asked = true;
    out.rcode = rcode;
    out.answers = answers;
    return out;
}

Texts search_findings(const std::string& name, const std::vector<ExplainedStep>& steps,
                      const std::string& type = "A") {
    Explanation explanation;
    add_search_findings(question_for(name, type), steps, explanation.findings);
    return ExplainRig::findings(explanation);
}

/// Of a name that went to 192.0.2.53 or 192.0.2.54.
struct ForwardedName {
    ForwardedName() {
        block.forwards.emplace_back().options.upstreams = {{"192.0.2.53", 53},
                                                           {"2001:db8::1", 5353}};
        evidence.block = evidence.last_block = &block;
        evidence.qname = evidence.last = zones::Name::parse("www.example.org.").value();
        evidence.replied = true;
    }
    Texts findings() const {
        Explanation explanation;
        add_server_findings(evidence, explanation.findings);
        return ExplainRig::findings(explanation);
    }
    Texts with_rcode(unsigned rcode, const std::string& plugin, const std::string& upstream) {
        evidence.reply.rcode = rcode;
        evidence.plugin = plugin;
        evidence.upstream = upstream;
        return findings();
    }

    ServerBlock block;
    NameEvidence evidence;
};

constexpr const char* kLine = "forward . to 192.0.2.53:53, [2001:db8::1]:5353";

}  // namespace

TEST_CASE("finding: an upstream that denies, fails or refuses is named, as far as it is known") {
    ForwardedName asked;
    CHECK(asked.with_rcode(3, "forward", "[2001:db8::1]:5353") ==
          Texts{std::string("error upstream-nxdomain: The upstream [2001:db8::1]:5353 says that "
                            "www.example.org. does not exist: ") +
                kLine + ". / Correct the name, or ask those who have its zone."});
    CHECK(asked.with_rcode(3, "cache", "") ==
          Texts{std::string("error upstream-nxdomain: The upstreams say that www.example.org. does "
                            "not exist: ") +
                kLine + ", from the cache. / Correct the name, or ask those who have its zone."});
    CHECK(asked.with_rcode(2, "forward", "[2001:db8::1]:5353") ==
          Texts{std::string("error upstream-failed: The upstream [2001:db8::1]:5353 answered "
                            "SERVFAIL for www.example.org.: ") +
                kLine +
                ". / Ask an upstream itself from where the server runs: dig @2001:db8::1 -p 5353 "
                "www.example.org."});
    asked.evidence.reply.extended_text = "upstream 192.0.2.53:53 answered SERVFAIL: \"no key\"";
    CHECK(asked.with_rcode(2, "forward", "192.0.2.53:53")[0].find(
              std::string(kLine) + " (it says \"no key\"). / ") != std::string::npos);
    asked.evidence.reply.extended_text.clear();
    CHECK(asked.with_rcode(2, "", "") ==
          Texts{std::string("error upstream-failed: The upstreams did not answer for "
                            "www.example.org.: ") +
                kLine +
                ". / Ask an upstream itself from where the server runs: dig @192.0.2.53 -p 53 "
                "www.example.org."});
    CHECK(asked.with_rcode(5, "forward", "192.0.2.53:53") ==
          Texts{std::string("error refused: The upstream 192.0.2.53:53 refuses the question for "
                            "www.example.org.: ") +
                kLine +
                ". / Ask it yourself from where the server runs, and those who run it: dig "
                "@192.0.2.53 -p 53 www.example.org."});
    CHECK(asked.with_rcode(5, "", "") ==
          Texts{"error refused: The server refuses the question: it is overloaded, or too many "
                "queries wait for upstreams. / Ask again, and look at keryx_shed_forwards_total "
                "and coredns_forward_max_concurrent_rejects_total."});
}

TEST_CASE("finding: an upstream that is held to be down, and whether it has replied here") {
    ForwardedName asked;
    asked.evidence.answered = true;
    asked.evidence.held_down = {{"192.0.2.53:53", "2026-11-23T08:00:00Z"},
                                {"192.0.2.99:53", "2026-11-23T08:00:00Z"}};
    CHECK(asked.with_rcode(0, "forward", "[2001:db8::1]:5353") ==
          Texts{"warning upstream-down: The server holds the upstream 192.0.2.53:53 to be down "
                "since 2026-11-23T08:00:00Z: its health checks fail, and queries go to it only if "
                "all are down. / See whether it runs and can be reached from where the server "
                "runs: dig @192.0.2.53 -p 53 . NS"});
    CHECK(asked.with_rcode(0, "forward", "192.0.2.53:53")[0].find(
              "only if all are down; it has replied to this explanation. / ") != std::string::npos);
    CHECK(asked.with_rcode(0, "kubernetes", "").empty());
}

TEST_CASE("finding: answers from a snapshot") {
    ExplainRig rig(web_yaml());
    Config config = testing::load(". {\nkubernetes cluster.local\n}\n");
    expand_wildcards(config);
    const Routing routing = make_routing(config, {}, {});
    auto stale =
        std::make_shared<zones::Snapshot>(*rig.routing().clusters.front()->published().value());
    stale->stale = true;
    routing.clusters.front()->serve_stale(stale);
    const auto explanation =
        explain({.name = "web", .type = {}, .from = {}, .ns = "prod"}, config, routing,
                [](const KubernetesConfig&) -> std::unique_ptr<k8s_client::DetailSource> {
                    throw ConfigError("not in a pod");
                });
    REQUIRE(explanation);
    CHECK(explanation->found);
    CHECK(explanation->steps[0].reason ==
          "EDE 3: from the snapshot: the API server has not been listed yet");
    CHECK(ExplainRig::findings(*explanation)[0] ==
          "warning stale: The server answers from the snapshot of an earlier run: it has not "
          "listed the objects of the API server since it was started. / Look at the server's log "
          "for what keeps it from the API server.");
}

TEST_CASE("finding: where musl's search ends before glibc's") {
    const std::string cure = " / Ask for web.svc.test., with the dot at its end.";
    const auto text = [&](const std::string& why) {
        return Texts{"warning musl-search: In images with musl (Alpine) the name is not found: " +
                     why + ", where glibc goes on." + cure};
    };
    const auto answer = step("web.svc.test.", "NOERROR", true);
    CHECK(search_findings("web", {step("web.prod.svc.test.", "NXDOMAIN"), answer}).empty());
    CHECK(search_findings("web", {step("web.prod.svc.test.", "NOERROR"), answer}) ==
          text("its search ends at web.prod.svc.test., which exists without such a record "
               "(NODATA)"));
    CHECK(search_findings("web", {step("web.prod.svc.test.", "NXDOMAIN"),
                                  step("web.x.test.", "SERVFAIL"), answer}) ==
          text("its search ends at web.x.test., which is SERVFAIL"));
    // Who is found by neither, or by a search that is no resolver's, is as it is.
    CHECK(search_findings("web", {step("web.prod.svc.test.", "NOERROR")}).empty());
    CHECK(search_findings("web", {step("web.x.test.", "REFUSED"), answer}).empty());
    CHECK(search_findings("web", {step("web.x.test.", "no reply"), answer}).empty());
    CHECK(search_findings("web", {step("web.x.test.", "NOERROR"), answer}, "SRV").empty());
    CHECK(search_findings("web.x.test.", {step("web.x.test.", "NOERROR"), answer}).empty());
    CHECK(search_findings("a.b.c.d.e.f", {step("a.b.c.d.e.f.", "NXDOMAIN"), answer}) ==
          text("a name with five dots or more gets no search domain"));
    CHECK(search_findings("a.b.c.d.e.f", {step("a.b.c.d.e.f.", "NOERROR", true)}).empty());
    CHECK(search_findings("a.b.c.d.e", {step("a.b.c.d.e.svc.test.", "NXDOMAIN"), answer}).empty());
}

TEST_CASE("finding: in the cluster, musl's search ends at a name without the type") {
    // Below prod is the name `a`, which the pod's own search finds without AAAA.
    ExplainRig rig(service_yaml("prod", "a", "clusterIP: 10.96.0.1") +
                       service_yaml("a", "x", "clusterIP: 10.96.0.2"),
                   "hosts {\n2001:db8::5 a.svc.cluster.local\nfallthrough\n}");
    const auto explanation = rig.explain("a", "AAAA");
    CHECK(explanation.found);
    CHECK(explanation.steps[1].answers);
    CHECK(ExplainRig::findings(explanation)[0] ==
          "warning musl-search: In images with musl (Alpine) the name is not found: its search "
          "ends at a.prod.svc.cluster.local., which exists without such a record (NODATA), where "
          "glibc goes on. / Ask for a.svc.cluster.local., with the dot at its end.");
}

TEST_CASE("explain: of several clusters the one that has the name") {
    support::ScratchFolder folder;
    folder.write("one.yaml", web_yaml());
    folder.write("two.yaml", service_yaml("prod", "db", "clusterIP: 10.97.0.1"));
    folder.write("three.yaml", service_yaml("prod", "db", "clusterIP: 10.98.0.1"));
    Config config = testing::load(
        ".:53 {\nkubernetes cluster.local {\nmanifests one.yaml\n}\n}\n"
        "other.test:53 {\nkubernetes other.test {\nmanifests two.yaml\n}\n}\n"
        "deep.other.test:5353 {\nkubernetes deep.other.test {\nmanifests three.yaml\n}\n}\n",
        folder.path());
    expand_wildcards(config);
    const Routing routing = make_routing(config, {}, {});
    testing::JournalLines journal;
    std::vector<std::unique_ptr<ClusterSource>> sources;
    for (const Block& block : routing.blocks) {
        sources.push_back(std::make_unique<ClusterSource>(*block.config->kubernetes, *block.cluster,
                                                          zones::HashKey{}, journal));
    }
    const auto ask = [&](const std::string& name) {
        return explain({.name = name, .type = {}, .from = {}, .ns = "prod"}, config, routing)
            .value();
    };
    const auto own = ask("web");
    CHECK(own.found);
    CHECK(own.search.back() == "cluster.local.");
    const auto other = ask("db.prod.svc.other.test");
    CHECK(other.found);
    CHECK(other.search.back() == "cluster.local.");
    REQUIRE(other.services.size() == 1);
    CHECK(other.services[0].cluster_ips == Texts{"10.97.0.1"});
    CHECK(other.services[0].detailed);
    CHECK(ExplainRig::findings(ask("bd.prod.svc.other.test.")) ==
          Texts{R"(error no-such-service: The namespace prod has no Service "bd". It has db, )"
                "whose name is near. / Ask for db.prod."});
    const auto deep = ask("db.prod.svc.deep.other.test.");
    CHECK(deep.found);
    REQUIRE(deep.services.size() == 1);
    CHECK(deep.services[0].cluster_ips == Texts{"10.98.0.1"});
    CHECK(deep.steps[0].server_block == "deep.other.test.:5353");
}

}  // namespace server

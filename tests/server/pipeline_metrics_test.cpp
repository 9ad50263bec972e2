// Each query of a client is counted once, where it belongs, under who wrote its reply.
#include <doctest/doctest.h>

#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using server::Author;
using server::ZoneCells;
using support::FakeUpstream;

namespace {

constexpr const char* kServer = "dns://127.0.0.1:53";

server::ServerBlock counted_block() {
    auto made = block({"cluster.local"});
    made.kubernetes = kubernetes({"cluster.local"});
    made.prometheus.emplace();
    return made;
}

const ZoneCells& cells(Rig& rig, const std::string& zone) {
    return rig.metrics().zone(kServer, zone).cells[0];
}

std::uint64_t replies(const ZoneCells& cells, Author author, unsigned rcode) {
    return cells.responses[static_cast<std::size_t>(author)][rcode].get();
}

std::uint64_t durations(const ZoneCells& cells) {
    std::uint64_t sum = 0;
    for (const auto& bucket : cells.duration.buckets) {
        sum += bucket.get();
    }
    return sum;
}

}  // namespace

TEST_CASE("cluster names: zone, type, family, rcode and sizes") {
    Rig rig({counted_block()});
    rig.apply({cluster_ip("prod", "web", "10.96.0.10")});
    const ZoneCells& counted = cells(rig, "cluster.local.");
    CHECK(rig.ask({.name = "web.prod.svc.cluster.local"}).rcode == "NOERROR");
    CHECK(rig.ask({.name = "none.prod.svc.cluster.local"}).rcode == "NXDOMAIN");
    CHECK(counted.requests[0][0][server::type_place(1)].get() == 2);
    CHECK(replies(counted, Author::Kubernetes, 0) == 1);
    CHECK(replies(counted, Author::Kubernetes, 3) == 1);
    CHECK(counted.request_size[0].sum.get() ==
          make_query({.name = "web.prod.svc.cluster.local"}).size() +
              make_query({.name = "none.prod.svc.cluster.local"}).size());
    rig.pipeline().end_batch();
    CHECK(durations(counted) == 2);
    rig.ask_as_tcp(make_query({.name = "web.prod.svc.cluster.local", .type = 28}));
    CHECK(counted.requests[1][0][server::type_place(28)].get() == 1);
}

TEST_CASE("a name in no zone counts as dropped; what is malformed counts apart") {
    Rig rig({counted_block()});
    rig.apply({});
    CHECK(rig.ask({.name = "example.org"}).rcode == "REFUSED");
    CHECK(replies(cells(rig, "dropped"), Author::Server, 5) == 1);
    auto cut = make_query({.name = "web.prod.svc.cluster.local"});
    cut.pop_back();
    rig.ask(cut);
    CHECK(rig.pipeline().counters().all_malformed() == 1);
    CHECK(cells(rig, "cluster.local.").requests[0][0][server::type_place(1)].get() == 0);
}

TEST_CASE("an upstream is shown as down while a forwarder finds it so, and not after") {
    server::Metrics metrics(2);
    server::QueryMeter first(&metrics, 0), second(&metrics, 1);
    const resolver::Upstream upstream{"192.0.2.1", 53};
    const auto shown = [&](int down) {
        return metrics.text().find("keryx_upstream_down{to=\"192.0.2.1:53\"} " +
                                   std::to_string(down) + "\n") != std::string::npos;
    };
    for (int i = 0; i < 2; ++i) {
        first.meter_of(upstream)->found_down(true);
        second.meter_of(upstream)->found_down(true);
        first.meter_of(upstream)->found_down(false);
        CHECK(shown(1));
        second.meter_of(upstream)->found_down(false);
        CHECK(shown(0));
    }
}

TEST_CASE("a template at the end of a chain is counted where it is, if that block is counted") {
    server::TemplateConfig rule;
    rule.qclass = zones::kClassIn;
    rule.qtype = zones::qtype::kA;
    rule.zones = {name("example.org")};
    rule.answers = {"{{ .Name }} 60 IN A 192.0.2.7"};
    for (const bool shown : {false, true}) {
        auto other = block({"example.org"});
        other.templates = {rule};
        if (shown) {
            other.prometheus.emplace();
        }
        Rig rig({counted_block(), other});
        rig.apply({external_name("prod", "ext", "www.example.org")});
        CHECK(rig.ask({.name = "ext.prod.svc.cluster.local"}).answer.size() == 2);
        const bool counted = rig.metrics().text().find(
                                 "coredns_template_matches_total{server=\"" + std::string(kServer) +
                                 "\",zone=\"example.org.\"") != std::string::npos;
        CHECK(counted == shown);
    }
}

TEST_CASE("a block without prometheus shows no zone") {
    auto quiet = counted_block();
    quiet.prometheus.reset();
    Rig rig({quiet});
    rig.apply({cluster_ip("prod", "web", "10.96.0.10")});
    rig.ask({.name = "web.prod.svc.cluster.local"});
    CHECK(rig.metrics().text().find("coredns_dns_requests_total") == std::string::npos);
    CHECK(rig.pipeline().counters().messages.get() == 1);
}

TEST_CASE("a forwarded query is counted once its reply is there, and then by the cache") {
    FakeUpstream upstream([](FakeUpstream& self, const support::Received& query) {
        answer_with_address(self, query);
    });
    auto made = block({"."});
    made.forwards = {forward(".", upstream)};
    made.cache.emplace();
    made.prometheus.emplace();
    Rig rig({made});
    rig.serve(upstream);
    const ZoneCells& counted = cells(rig, ".");
    const auto& cached = rig.metrics().cache(kServer, ".").cells[0];
    rig.handle(make_query({.name = "www.example.org"}));
    CHECK(counted.requests[0][0][server::type_place(1)].get() == 0);
    REQUIRE(rig.run_until([&] { return rig.late().size() == 1; }));
    CHECK(counted.requests[0][0][server::type_place(1)].get() == 1);
    CHECK(replies(counted, Author::Forward, 0) == 1);
    CHECK(durations(counted) == 1);
    CHECK(cached.misses.get() == 1);

    rig.ask({.name = "www.example.org"});
    CHECK(replies(counted, Author::Cache, 0) == 1);
    CHECK(cached.success_hits.get() == 1);
    CHECK(cached.requests.get() == 2);
    REQUIRE(rig.run_until([&] {
        rig.pipeline().tick(rig.now());
        return rig.metrics().text().find("coredns_proxy_conn_cache_misses_total") !=
               std::string::npos;
    }));
    CHECK(rig.metrics().text().find("coredns_proxy_request_duration_seconds_count{proxy_name=\""
                                    "forward\",to=\"127.0.0.1:" +
                                    std::to_string(upstream.port()) +
                                    "\",rcode=\"NOERROR\"} 1\n") != std::string::npos);
}

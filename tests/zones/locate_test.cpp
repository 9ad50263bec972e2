#include "zones/locate.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;

namespace {

TestCluster cluster_with(PodMode pods) {
    auto options = usual_options();
    options.pods = pods;
    TestCluster cluster(options);
    cluster.add(make_namespace("prod"), make_namespace("svc"),
                make_service("prod", "web", {"10.0.0.1"}, {{"http", "TCP", 80}, {"", "UDP", 53}}),
                make_headless("prod", "db"), make_external("prod", "ext", "example.com"),
                make_headless("prod", "empty"), make_service("svc", "svc", {"10.0.0.2"}));
    cluster.add(
        make_slice("prod", "w", "web", {make_endpoint("10.1.0.1", "_odd")}),
        make_slice("prod", "d", "db", {make_endpoint("10.1.0.2", "one")}, {{"sql", "TCP", 5432}}),
        make_pod("prod", "p", "10.2.0.1"));
    return cluster;
}

Located::Kind kind_of(const std::string& front, PodMode pods = PodMode::Insecure) {
    auto options = usual_options();
    options.pods = pods;
    const auto cluster = cluster_with(pods);
    LoweredName name;
    name.assign(Name::parse(front + "cluster.local.")->wire());
    return locate(name, 2, options, *cluster.snapshot()).kind;
}

Located::Kind reverse_kind_of(const std::string& text, std::size_t zone_labels = 2) {
    const auto cluster = cluster_with(PodMode::Insecure);
    LoweredName name;
    name.assign(Name::parse(text)->wire());
    return locate_reverse(name, zone_labels, *cluster.snapshot()).kind;
}

}  // namespace

TEST_CASE("what was foreseen leads to the same, and to nothing in another snapshot") {
    auto options = usual_options();
    options.pods = PodMode::Insecure;
    const auto cluster = cluster_with(PodMode::Insecure);
    const auto& snapshot = *cluster.snapshot();
    for (const char* front :
         {"web.prod.svc.", "WEB.Prod.svc.", "_http._tcp.web.prod.svc.", "one.db.prod.svc.",
          "nope.prod.svc.", "web.nope.svc.", "a.b.c.web.prod.svc.", "svc.", "prod.svc.", "",
          "10-2-0-1.prod.pod.", "foo."}) {
        CAPTURE(front);
        LoweredName name;
        name.assign(Name::parse(std::string(front) + "cluster.local.")->wire());
        Foreseen foreseen{.looked_up = true, .zone = ZoneTable::Match{0, 2}};
        foreseen.find_key(name, snapshot);
        for (int step = 1; step <= Foreseen::kSteps; ++step) {
            foreseen.step(step);
        }
        const Located with = locate(name, 2, options, snapshot, &foreseen);
        const Located without = locate(name, 2, options, snapshot);
        CHECK(with.kind == without.kind);
        CHECK(with.service == without.service);
        const Snapshot empty;
        CHECK(locate(name, 2, options, empty, &foreseen).service == nullptr);
    }
}

TEST_CASE("what was foreseen says where the Service begins") {
    const auto cluster = cluster_with(PodMode::Insecure);
    const auto octets_before = [&](const std::string& front) {
        LoweredName name;
        name.assign(Name::parse(front + "cluster.local.")->wire());
        Foreseen foreseen{.looked_up = true, .zone = ZoneTable::Match{0, 2}};
        foreseen.find_key(name, *cluster.snapshot());
        return foreseen.octets_before;
    };
    CHECK(octets_before("web.prod.svc.") == 0);
    CHECK(octets_before("nope.prod.svc.") == 0);
    CHECK(octets_before("_http._tcp.web.prod.svc.") == 11);
    CHECK(octets_before("prod.svc.") == Foreseen::kNotBelowService);
    CHECK(octets_before("web.prod.pod.") == Foreseen::kNotBelowService);
    CHECK(octets_before("") == Foreseen::kNotBelowService);
}

TEST_CASE("the same hash is not the same name") {
    const auto cluster = cluster_with(PodMode::Insecure);
    const auto& snapshot = *cluster.snapshot();
    LoweredName web, other;
    web.assign(Name::parse("web.prod.svc.cluster.local.")->wire());
    other.assign(Name::parse("bew.prod.svc.cluster.local.")->wire());
    Foreseen foreseen{.looked_up = true, .zone = ZoneTable::Match{0, 2}};
    foreseen.find_key(web, snapshot);
    for (int step = 1; step <= Foreseen::kSteps; ++step) {
        foreseen.step(step);
    }
    REQUIRE(foreseen.records != nullptr);
    CHECK(locate(other, 2, usual_options(), snapshot, &foreseen).kind == Located::Kind::NameError);
}

TEST_CASE("names that every zone has") {
    CHECK(kind_of("") == Located::Kind::Apex);
    CHECK(kind_of("dns.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("ns.dns.") == Located::Kind::NameServer);
    CHECK(kind_of("NS.Dns.") == Located::Kind::NameServer);
    CHECK(kind_of("a.ns.dns.") == Located::Kind::NameError);
    CHECK(kind_of("nt.dns.") == Located::Kind::NameError);
    CHECK(kind_of("dns-version.") == Located::Kind::Version);
    CHECK(kind_of("a.dns-version.") == Located::Kind::NameError);
    CHECK(kind_of("foo.") == Located::Kind::NameError);
    CHECK(kind_of("svc.foo.") == Located::Kind::NameError);
    CHECK(kind_of("*.") == Located::Kind::NameError);
}

TEST_CASE("the tree above Services") {
    CHECK(kind_of("svc.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("pod.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("prod.svc.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("nope.svc.") == Located::Kind::NameError);
    CHECK(kind_of("svc.svc.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("svc.svc.svc.") == Located::Kind::Service);
}

TEST_CASE("Services") {
    CHECK(kind_of("web.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("WEB.Prod.SVC.") == Located::Kind::Service);
    CHECK(kind_of("db.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("ext.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("empty.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("we.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("web.nope.svc.") == Located::Kind::NameError);
    CHECK(kind_of("web.prod.pod.") == Located::Kind::NameError);
}

TEST_CASE("one label in front of a Service") {
    CHECK(kind_of("one.db.prod.svc.") == Located::Kind::Endpoint);
    CHECK(kind_of("10-1-0-1.web.prod.svc.") == Located::Kind::Endpoint);
    CHECK(kind_of("10-1-0-2.db.prod.svc.") == Located::Kind::NameError);  // its name is `one`
    CHECK(kind_of("_tcp.web.prod.svc.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("_udp.web.prod.svc.") == Located::Kind::EmptyNonTerminal);  // the unnamed port's
    CHECK(kind_of("_sctp.web.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("_tcp.db.prod.svc.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("_udp.db.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("tcp.web.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("_.web.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("one.ext.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("_tcp.ext.prod.svc.") == Located::Kind::NameError);
}

TEST_CASE("_port._proto in front of a Service, underscores or not") {
    CHECK(kind_of("_http._tcp.web.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("http.tcp.web.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("_HTTP._TCP.web.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("_._tcp.web.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("_http._udp.web.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("_nope._tcp.web.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("__http._tcp.web.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("_sql._tcp.db.prod.svc.") == Located::Kind::Service);
    CHECK(kind_of("_http._tcp.db.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("_http._tcp.ext.prod.svc.") == Located::Kind::NameError);
    CHECK(kind_of("a._http._tcp.web.prod.svc.") == Located::Kind::NameError);
}

TEST_CASE("pods, by mode") {
    CHECK(kind_of("prod.pod.") == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("nope.pod.") == Located::Kind::NameError);
    CHECK(kind_of("10-9-9-9.prod.pod.") == Located::Kind::Pod);
    CHECK(kind_of("fd00--1.prod.pod.") == Located::Kind::Pod);
    CHECK(kind_of("10-9-9-9.nope.pod.") == Located::Kind::NameError);
    CHECK(kind_of("blah.prod.pod.") == Located::Kind::NameError);
    CHECK(kind_of("x.10-9-9-9.prod.pod.") == Located::Kind::Pod);
    CHECK(kind_of("x.y.10-9-9-9.prod.pod.") == Located::Kind::Pod);
    CHECK(kind_of("x.y.z.10-9-9-9.prod.pod.") == Located::Kind::NameError);
    for (const char* name : {"prod.pod.", "10-2-0-1.prod.pod."}) {
        CHECK(kind_of(name, PodMode::Disabled) == Located::Kind::NameError);
    }
    CHECK(kind_of("pod.", PodMode::Disabled) == Located::Kind::EmptyNonTerminal);
    CHECK(kind_of("10-2-0-1.prod.pod.", PodMode::Verified) == Located::Kind::Pod);
    CHECK(kind_of("10-9-9-9.prod.pod.", PodMode::Verified) == Located::Kind::NameError);
    CHECK(kind_of("10-2-0-1.svc.pod.", PodMode::Verified) == Located::Kind::NameError);
}

TEST_CASE("reverse names") {
    CHECK(reverse_kind_of("in-addr.arpa.") == Located::Kind::Apex);
    CHECK(reverse_kind_of("10.in-addr.arpa.", 3) == Located::Kind::Apex);
    CHECK(reverse_kind_of("dns.in-addr.arpa.") == Located::Kind::EmptyNonTerminal);
    CHECK(reverse_kind_of("ns.dns.in-addr.arpa.") == Located::Kind::NameServer);
    CHECK(reverse_kind_of("1.0.0.10.in-addr.arpa.") == Located::Kind::Reverse);
    CHECK(reverse_kind_of("2.0.1.10.in-addr.arpa.") == Located::Kind::Reverse);
    CHECK(reverse_kind_of("3.0.1.10.in-addr.arpa.") == Located::Kind::NameError);
    CHECK(reverse_kind_of("0.1.10.in-addr.arpa.") == Located::Kind::EmptyNonTerminal);
    CHECK(reverse_kind_of("10.in-addr.arpa.") == Located::Kind::EmptyNonTerminal);
    CHECK(reverse_kind_of("11.in-addr.arpa.") == Located::Kind::NameError);
    CHECK(reverse_kind_of("9.10.in-addr.arpa.") == Located::Kind::NameError);
    CHECK(reverse_kind_of("1.1.0.0.10.in-addr.arpa.") == Located::Kind::NameError);
    CHECK(reverse_kind_of("web.prod.svc.in-addr.arpa.") == Located::Kind::NameError);
    CHECK(reverse_kind_of("1.0.2.10.in-addr.arpa.") == Located::Kind::NameError);  // a pod's only
}

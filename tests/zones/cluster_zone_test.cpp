#include "zones/cluster_zone.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;
using Outcome = ClusterZone::Outcome;

namespace {

std::string soa(const std::string& zone, std::uint32_t serial, std::uint32_t ttl = 5) {
    return zone + " 5 IN SOA ns.dns." + zone + " hostmaster." + zone + ' ' +
           std::to_string(serial) + " 7200 1800 86400 " + std::to_string(ttl);
}

TestCluster small_cluster(ClusterOptions options = usual_options(), bool is_synced = true) {
    TestCluster cluster(std::move(options), is_synced,
                        {*parse_address("192.0.2.53"), *parse_address("2001:db8::53")});
    cluster.add(make_namespace("prod"), make_namespace("kube-system"),
                make_service("prod", "web", {"10.0.0.1"}, {{"http", "TCP", 80}}),
                make_external("prod", "ext", "example.com"));
    return cluster;
}

/// NOERROR or NXDOMAIN, with nothing but the SOA.
void check_negative(const TestCluster& cluster, const std::string& qname, const std::string& type,
                    const std::string& rcode, const std::string& zone = "cluster.local.") {
    INFO(qname, " ", type);
    const Reply reply = cluster.ask(qname, type);
    CHECK(reply.outcome == Outcome::Done);
    CHECK(reply.message.rcode_name() == rcode);
    CHECK(reply.message.answer.empty());
    CHECK(reply.message.additional.empty());
    CHECK(reply.message.authority == Texts{soa(zone, cluster.snapshot()->serial)});
    CHECK(reply.message.flags == Texts{"qr", "aa", "rd"});
}

}  // namespace

TEST_CASE("a name is there or not, whatever the type") {
    const auto cluster = small_cluster();
    for (const char* type : {"A", "AAAA", "MX", "TXT", "SRV", "PTR", "NS", "SOA", "DS", "ANY",
                             "HTTPS", "CAA", "TYPE666"}) {
        check_negative(cluster, "nope.prod.svc.cluster.local.", type, "NXDOMAIN");
        check_negative(cluster, "svc.cluster.local.", type, "NOERROR");
        check_negative(cluster, "prod.svc.cluster.local.", type, "NOERROR");
        check_negative(cluster, "dns.cluster.local.", type, "NOERROR");
        check_negative(cluster, "_tcp.web.prod.svc.cluster.local.", type, "NOERROR");
        check_negative(cluster, "a.b.cluster.local.", type, "NXDOMAIN");
    }
    for (const char* type : {"AAAA", "CNAME", "TXT", "MX", "NS", "SOA", "ANY"}) {
        check_negative(cluster, "web.prod.svc.cluster.local.", type, "NOERROR");
    }
}

TEST_CASE("the version of the schema") {
    const auto cluster = small_cluster();
    CHECK(cluster.answer("dns-version.cluster.local.", "TXT") ==
          Texts{"dns-version.cluster.local. 28800 IN TXT \"1.1.0\""});
    check_negative(cluster, "dns-version.cluster.local.", "A", "NOERROR");
}

TEST_CASE("SOA and NS at the apex, forward and reverse") {
    auto cluster = small_cluster();
    for (const std::string zone : {"cluster.local.", "in-addr.arpa.", "ip6.arpa."}) {
        CHECK(cluster.answer(zone, "SOA") == Texts{soa(zone, cluster.snapshot()->serial)});
        const Judged ns = cluster.ask(zone, "NS").message;
        CHECK(ns.answer == Texts{zone + " 5 IN NS ns.dns." + zone});
        CHECK(ns.additional == Texts{"ns.dns." + zone + " 5 IN A 192.0.2.53",
                                     "ns.dns." + zone + " 5 IN AAAA 2001:db8::53"});
        CHECK(ns.authority.empty());
        check_negative(cluster, zone, "A", "NOERROR", zone);
        check_negative(cluster, zone, "ANY", "NOERROR", zone);
        check_negative(cluster, "dns." + zone, "A", "NOERROR", zone);
        check_negative(cluster, "ns.dns." + zone, "TXT", "NOERROR", zone);
        check_negative(cluster, "x.ns.dns." + zone, "A", "NXDOMAIN", zone);
        CHECK(cluster.answer("ns.dns." + zone, "A") ==
              Texts{"ns.dns." + zone + " 5 IN A 192.0.2.53"});
    }
}

TEST_CASE("ns.dns is the DNS Service, once it exists") {
    auto cluster = small_cluster();
    const std::string name = "ns.dns.cluster.local.";
    cluster.add(make_service("kube-system", "kube-dns", {"10.0.0.10", "fd00::a"}));
    CHECK(cluster.answer(name, "A") == Texts{name + " 5 IN A 10.0.0.10"});
    CHECK(cluster.answer(name, "AAAA") == Texts{name + " 5 IN AAAA fd00::a"});
    CHECK(cluster.ask("in-addr.arpa.", "NS").message.additional ==
          Texts{"ns.dns.in-addr.arpa. 5 IN A 10.0.0.10", "ns.dns.in-addr.arpa. 5 IN AAAA fd00::a"});
    cluster.add(make_service("kube-system", "kube-dns", {"10.0.0.10"}));
    check_negative(cluster, name, "AAAA", "NOERROR");
    cluster.add(make_headless("kube-system", "kube-dns"));
    CHECK(cluster.answer(name, "A") == Texts{name + " 5 IN A 192.0.2.53"});
    cluster.remove(make_headless("kube-system", "kube-dns"));
    CHECK(cluster.answer(name, "A") == Texts{name + " 5 IN A 192.0.2.53"});
    auto options = usual_options();
    options.nameserver_namespace = "prod";
    options.nameserver_service = "web";
    CHECK(small_cluster(options).answer(name, "A") == Texts{name + " 5 IN A 10.0.0.1"});
}

TEST_CASE("TTL and the SOA's minimum") {
    auto options = usual_options();
    options.ttl = 3600;
    const auto long_lived = small_cluster(options);
    CHECK(long_lived.answer("web.prod.svc.cluster.local.", "A") ==
          Texts{"web.prod.svc.cluster.local. 3600 IN A 10.0.0.1"});
    CHECK(long_lived.ask("cluster.local.", "A").message.authority ==
          Texts{"cluster.local. 300 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. " +
                std::to_string(long_lived.snapshot()->serial) + " 7200 1800 86400 3600"});
    options.ttl = 0;
    CHECK(small_cluster(options).answer("web.prod.svc.cluster.local.", "A") ==
          Texts{"web.prod.svc.cluster.local. 0 IN A 10.0.0.1"});
}

TEST_CASE("not synced is SERVFAIL, never NXDOMAIN; what is known is answered") {
    auto cluster = small_cluster(usual_options(), false);
    check_negative(cluster, "nope.prod.svc.cluster.local.", "A", "SERVFAIL");
    check_negative(cluster, "web.nope.svc.cluster.local.", "A", "SERVFAIL");
    check_negative(cluster, "foo.cluster.local.", "TXT", "SERVFAIL");
    check_negative(cluster, "9.0.0.10.in-addr.arpa.", "PTR", "SERVFAIL", "in-addr.arpa.");
    check_negative(cluster, "svc.cluster.local.", "A", "NOERROR");
    check_negative(cluster, "web.prod.svc.cluster.local.", "AAAA", "NOERROR");
    CHECK(cluster.answer("web.prod.svc.cluster.local.", "A").size() == 1);
    CHECK(cluster.answer("1.0.0.10.in-addr.arpa.", "PTR").size() == 1);
    CHECK(cluster.answer("cluster.local.", "SOA").size() == 1);
    cluster.store().set_synced();
    check_negative(cluster, "nope.prod.svc.cluster.local.", "A", "NXDOMAIN");
}

TEST_CASE("names of no zone of ours") {
    const auto cluster = small_cluster();
    for (const char* name : {"example.com.", ".", "local.", "mycluster.local.", "arpa."}) {
        const Reply reply = cluster.ask(name, "A");
        CHECK(reply.outcome == Outcome::NotOurs);
        CHECK(reply.message.answer.empty());
        CHECK(reply.message.authority.empty());
    }
}

TEST_CASE("fallthrough: name errors only, in the zones given") {
    auto options = usual_options();
    options.fallthrough = {*Name::parse("in-addr.arpa"), *Name::parse("ip6.arpa")};
    for (const bool is_synced : {false, true}) {
        const auto cluster = small_cluster(options, is_synced);
        const auto outcome = [&](const char* name) { return cluster.ask(name, "PTR").outcome; };
        CHECK(outcome("9.0.0.10.in-addr.arpa.") == Outcome::NextPlugin);
        CHECK(outcome("example.in-addr.arpa.") == Outcome::NextPlugin);
        CHECK(outcome("f.ip6.arpa.") == Outcome::NextPlugin);
        // Names above an address own no record: the next plugin may know one.
        CHECK(outcome("0.0.10.in-addr.arpa.") == Outcome::NextPlugin);
        CHECK(outcome("10.in-addr.arpa.") == Outcome::NextPlugin);
        CHECK(outcome("dns.in-addr.arpa.") == Outcome::NextPlugin);
        CHECK(outcome("1.0.0.10.in-addr.arpa.") == Outcome::Done);
        CHECK(cluster.ask("1.0.0.10.in-addr.arpa.", "A").outcome == Outcome::Done);  // NODATA
        CHECK(outcome("in-addr.arpa.") == Outcome::Done);
        CHECK(outcome("nope.prod.svc.cluster.local.") == Outcome::Done);
        CHECK(cluster.ask("9.0.0.10.in-addr.arpa.", "PTR").message.authority.empty());
    }
}

TEST_CASE("fallthrough for all names, and for some of the zone's") {
    auto options = usual_options();
    options.fallthrough = {Name()};
    const auto all = small_cluster(options);
    CHECK(all.ask("nope.prod.svc.cluster.local.", "A").outcome == Outcome::NextPlugin);
    CHECK(all.ask("svc.cluster.local.", "A").outcome == Outcome::Done);
    CHECK(all.ask("web.prod.svc.cluster.local.", "AAAA").outcome == Outcome::Done);
    options.fallthrough = {*Name::parse("Prod.svc.cluster.local")};
    const auto some = small_cluster(options);
    CHECK(some.ask("nope.prod.svc.cluster.local.", "A").outcome == Outcome::NextPlugin);
    CHECK(some.ask("nope.cluster.local.", "A").outcome == Outcome::Done);
}

TEST_CASE("case: the question as asked, the zone's part as spelled, the rest as the object") {
    auto cluster = small_cluster();
    cluster.add(
        make_headless("prod", "db"),
        make_slice("prod", "d", "db", {make_endpoint("10.1.0.1", "One")}, {{"sql", "TCP", 5432}}));
    CHECK(cluster.answer("wEB.Prod.SVC.Cluster.LOCAL.", "A") ==
          Texts{"wEB.Prod.SVC.Cluster.LOCAL. 5 IN A 10.0.0.1"});
    const Judged denied = cluster.ask("Nope.prod.svc.ClUsTeR.lOcAl.", "A").message;
    CHECK(denied.authority == Texts{soa("ClUsTeR.lOcAl.", cluster.snapshot()->serial)});
    const Judged srv = cluster.ask("_SQL._tcp.db.prod.svc.cLuStEr.local.", "SRV").message;
    CHECK(srv.answer == Texts{"_SQL._tcp.db.prod.svc.cLuStEr.local. 5 IN SRV 0 100 5432 "
                              "one.db.prod.svc.cLuStEr.local."});
    CHECK(srv.additional == Texts{"one.db.prod.svc.cLuStEr.local. 5 IN A 10.1.0.1"});
    CHECK(cluster.answer("1.0.0.10.IN-ADDR.arpa.", "PTR") ==
          Texts{"1.0.0.10.IN-ADDR.arpa. 5 IN PTR web.prod.svc.cluster.local."});
    CHECK(cluster.answer("Cluster.Local.", "NS") ==
          Texts{"Cluster.Local. 5 IN NS ns.dns.Cluster.Local."});
}

TEST_CASE("several zones: each answers for itself, PTR names the first") {
    auto cluster =
        small_cluster(options_for({"10.in-addr.arpa", "Cluster.local", "k8s.example.org"}));
    CHECK(cluster.answer("web.prod.svc.k8s.example.org.", "A") ==
          Texts{"web.prod.svc.k8s.example.org. 5 IN A 10.0.0.1"});
    CHECK(cluster.ask("_http._tcp.web.prod.svc.k8s.example.org.", "SRV").message.additional ==
          Texts{"web.prod.svc.k8s.example.org. 5 IN A 10.0.0.1"});
    check_negative(cluster, "nope.k8s.example.org.", "A", "NXDOMAIN", "k8s.example.org.");
    CHECK(cluster.answer("1.0.0.10.in-addr.arpa.", "PTR") ==
          Texts{"1.0.0.10.in-addr.arpa. 5 IN PTR web.prod.svc.cluster.local."});
    CHECK(cluster.ask("1.0.0.11.in-addr.arpa.", "PTR").outcome == Outcome::NotOurs);
}

TEST_CASE("zones of a CIDR prefix") {
    auto cluster = small_cluster(options_for(
        {"cluster.local", "0.0.10.in-addr.arpa", "1.0.10.in-addr.arpa", "0.0.d.f.ip6.arpa"}));
    cluster.add(make_service("prod", "six", {"fd00::1"}));
    CHECK(cluster.answer("1.0.0.10.in-addr.arpa.", "PTR").size() == 1);
    check_negative(cluster, "9.1.0.10.in-addr.arpa.", "PTR", "NXDOMAIN", "1.0.10.in-addr.arpa.");
    check_negative(cluster, "0.0.10.in-addr.arpa.", "PTR", "NOERROR", "0.0.10.in-addr.arpa.");
    CHECK(cluster.ask("1.2.0.10.in-addr.arpa.", "PTR").outcome == Outcome::NotOurs);
    check_negative(cluster, "0.0.0.0.d.f.ip6.arpa.", "PTR", "NOERROR", "0.0.d.f.ip6.arpa.");
    CHECK(cluster.answer("ns.dns.0.0.10.in-addr.arpa.", "A").size() == 1);
}

TEST_CASE("a zone within another, and the root as the zone") {
    auto nested = small_cluster(options_for({"local", "cluster.local"}));
    check_negative(nested, "nope.cluster.local.", "A", "NXDOMAIN");
    check_negative(nested, "nope.local.", "A", "NXDOMAIN", "local.");
    CHECK(nested.answer("web.prod.svc.local.", "A").size() == 1);
    auto root = small_cluster(options_for({"."}));
    CHECK(root.answer("web.prod.svc.", "A") == Texts{"web.prod.svc. 5 IN A 10.0.0.1"});
    const Judged denied = root.ask("example.com.", "A").message;
    CHECK(denied.rcode_name() == "NXDOMAIN");
    CHECK(denied.authority ==
          Texts{". 5 IN SOA ns.dns. hostmaster. " + std::to_string(root.snapshot()->serial) +
                " 7200 1800 86400 5"});
    CHECK(root.ask("web.prod.svc.", "SRV").message.answer ==
          Texts{"web.prod.svc. 5 IN SRV 0 100 80 web.prod.svc."});
}

TEST_CASE("reverse zones") {
    CHECK(is_reverse_zone(*Name::parse("in-addr.arpa")));
    CHECK(is_reverse_zone(*Name::parse("0.0.10.IN-ADDR.ARPA")));
    CHECK(is_reverse_zone(*Name::parse("8.b.d.0.1.0.0.2.ip6.arpa")));
    CHECK_FALSE(is_reverse_zone(*Name::parse("arpa")));
    CHECK_FALSE(is_reverse_zone(*Name::parse("x\\007in-addr.arpa")));
    CHECK_FALSE(is_reverse_zone(*Name::parse("cluster.local")));
}

TEST_CASE("EDNS is answered where it was asked, and costs its octets") {
    const auto cluster = small_cluster();
    const auto plain = cluster.ask({.qname = "web.prod.svc.cluster.local."});
    const auto edns =
        cluster.ask({.qname = "web.prod.svc.cluster.local.", .edns_size = 4096, .dnssec_ok = true});
    CHECK(edns.size == plain.size + kOptSize);
    CHECK(edns.message.edns->udp_size == 1232);
}

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;
using Outcome = ClusterZone::Outcome;

namespace {

std::string name_of(const std::string& service) {
    return service + ".prod.svc.cluster.local.";
}

std::string cname(const std::string& from, const std::string& target) {
    return name_of(from) + " 5 IN CNAME " + target;
}

/// link-1 -> link-2 ... -> link-N -> web.
TestCluster chain_of(int links) {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}));
    for (int i = 1; i <= links; ++i) {
        const std::string next = i == links ? "web" : "link-" + std::to_string(i + 1);
        cluster.add(make_external("prod", "link-" + std::to_string(i), name_of(next)));
    }
    return cluster;
}

TestCluster external(const std::string& target) {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_external("prod", "ext", target),
                make_service("prod", "web", {"10.0.0.1"}));
    return cluster;
}

}  // namespace

TEST_CASE("chains within the zone are followed for up to 16 links") {
    for (const int links : {1, 2, 15, 16, 17, 40}) {
        CAPTURE(links);
        const Judged reply = chain_of(links).ask(name_of("link-1"), "A").message;
        CHECK(reply.rcode == 0);
        CHECK(reply.authority.empty());
        const auto followed = static_cast<std::size_t>(std::min(links, 16));
        REQUIRE(reply.answer.size() == followed + (links <= 16 ? 1 : 0));
        for (std::size_t i = 0; i < followed; ++i) {  // in the order of the chain
            CHECK(reply.answer[i].starts_with(name_of("link-" + std::to_string(i + 1)) +
                                              " 5 IN CNAME "));
        }
        if (links <= 16) {
            CHECK(reply.answer.back() == name_of("web") + " 5 IN A 10.0.0.1");
        }
    }
}

TEST_CASE("the rcode and the SOA are the last name's (RFC 6604)") {
    const Judged missing = external(name_of("nope")).ask(name_of("ext"), "A").message;
    CHECK(missing.rcode_name() == "NXDOMAIN");
    CHECK(missing.answer == Texts{cname("ext", name_of("nope"))});
    CHECK(missing.authority.size() == 1);
    const Judged no_data = external(name_of("web")).ask(name_of("ext"), "AAAA").message;
    CHECK(no_data.rcode == 0);
    CHECK(no_data.answer == Texts{cname("ext", name_of("web"))});
    CHECK(no_data.authority.size() == 1);
    const Judged found = external(name_of("web")).ask(name_of("ext"), "A").message;
    CHECK(found.answer == Texts{cname("ext", name_of("web")), name_of("web") + " 5 IN A 10.0.0.1"});
    CHECK(found.authority.empty());
}

TEST_CASE("a target keeps its spelling") {
    const Judged reply = external("WEB.Prod.svc.Cluster.Local").ask(name_of("ext"), "A").message;
    CHECK(reply.answer == Texts{cname("ext", "WEB.Prod.svc.Cluster.Local."),
                                "WEB.Prod.svc.Cluster.Local. 5 IN A 10.0.0.1"});
}

TEST_CASE("loops are gone round once") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_external("prod", "self", name_of("SELF")),
                make_external("prod", "a", name_of("b")), make_external("prod", "b", name_of("c")),
                make_external("prod", "c", name_of("b")));
    const Reply self = cluster.ask(name_of("self"), "A");
    CHECK(self.outcome == Outcome::Done);
    CHECK(self.message.rcode == 0);
    CHECK(self.message.answer == Texts{cname("self", name_of("SELF"))});
    const Reply loop = cluster.ask(name_of("a"), "A");
    CHECK(loop.outcome == Outcome::Done);
    CHECK(loop.message.answer ==
          Texts{cname("a", name_of("b")), cname("b", name_of("c")), cname("c", name_of("b"))});
    CHECK(loop.message.authority.empty());
}

TEST_CASE("a chain that leaves our zones ends with the next name") {
    for (const char* type : {"A", "AAAA", "TXT", "SRV", "MX", "HTTPS", "PTR", "TYPE666"}) {
        CAPTURE(type);
        const Reply reply = external("Example.com").ask(name_of("ext"), type);
        CHECK(reply.outcome == Outcome::NextName);
        CHECK(reply.target == "Example.com.");
        CHECK(reply.message.answer == Texts{cname("ext", "Example.com.")});
        CHECK(reply.message.authority.empty());
    }
    auto far = chain_of(3);
    far.add(make_external("prod", "link-3", "example.com."));
    const Reply reply = far.ask(name_of("link-1"), "A");
    CHECK(reply.outcome == Outcome::NextName);
    CHECK(reply.target == "example.com.");
    CHECK(reply.message.answer.size() == 3);
}

TEST_CASE("CNAME and ANY are not followed") {
    for (const char* type : {"CNAME", "ANY"}) {
        for (const std::string& target : Strings{name_of("web"), name_of("nope"), "example.com."}) {
            const Reply reply = external(target).ask(name_of("ext"), type);
            CHECK(reply.outcome == Outcome::Done);
            CHECK(reply.message.rcode == 0);
            CHECK(reply.message.answer == Texts{cname("ext", target)});
            CHECK(reply.message.authority.empty());
        }
    }
}

TEST_CASE("only the plain name of an ExternalName exists") {
    auto cluster = external("example.com");
    for (const char* front : {"x.", "_tcp.", "_http._tcp.", "a.b.c."}) {
        CHECK(cluster.answer(front + name_of("ext"), "A") == Texts{"NXDOMAIN"});
    }
    cluster.add(make_external("prod", "ext", "10.0.0.9"));
    CHECK(cluster.answer(name_of("ext"), "CNAME") == Texts{"NXDOMAIN"});
}

TEST_CASE("a chain into another of our zones goes on there") {
    TestCluster cluster(options_for({"cluster.local", "k8s.example.org", "in-addr.arpa"}));
    cluster.add(make_namespace("prod"),
                make_external("prod", "ext", "web.prod.svc.k8s.example.org"),
                make_external("prod", "rev", "1.0.0.10.in-addr.arpa"),
                make_external("prod", "bad", "nope.k8s.example.org"),
                make_service("prod", "web", {"10.0.0.1"}));
    CHECK(cluster.ask(name_of("ext"), "A").message.answer.back() ==
          "web.prod.svc.k8s.example.org. 5 IN A 10.0.0.1");
    CHECK(cluster.ask(name_of("rev"), "PTR").message.answer.back() ==
          "1.0.0.10.in-addr.arpa. 5 IN PTR web.prod.svc.cluster.local.");
    const Judged denied = cluster.ask(name_of("bad"), "A").message;
    CHECK(denied.rcode_name() == "NXDOMAIN");
    REQUIRE(denied.authority.size() == 1);
    CHECK(denied.authority[0].starts_with("k8s.example.org. 5 IN SOA ns.dns.k8s.example.org. "));
}

TEST_CASE("fallthrough is for the name that was asked, not for a target") {
    auto options = usual_options();
    options.fallthrough = {Name()};
    TestCluster cluster(options);
    cluster.add(make_namespace("prod"), make_external("prod", "ext", name_of("nope")));
    const Reply reply = cluster.ask(name_of("ext"), "A");
    CHECK(reply.outcome == Outcome::Done);
    CHECK(reply.message.rcode_name() == "NXDOMAIN");
}

TEST_CASE("a target that is not there before the first sync is SERVFAIL, with its CNAME") {
    TestCluster cluster(usual_options(), false);
    cluster.add(make_namespace("prod"), make_external("prod", "ext", name_of("nope")));
    const Judged reply = cluster.ask(name_of("ext"), "A").message;
    CHECK(reply.rcode_name() == "SERVFAIL");
    CHECK(reply.answer == Texts{cname("ext", name_of("nope"))});
}

TEST_CASE("SRV at the end of a chain names the target's zone as it is spelled there") {
    TestCluster cluster;
    cluster.add(
        make_namespace("prod"), make_external("prod", "ext", "DB.prod.svc.Cluster.local"),
        make_headless("prod", "db"),
        make_slice("prod", "d", "db", {make_endpoint("10.1.0.1", "one")}, {{"sql", "TCP", 5432}}));
    const Judged reply = cluster.ask(name_of("ext"), "SRV").message;
    CHECK(reply.answer.back() ==
          "DB.prod.svc.Cluster.local. 5 IN SRV 0 100 5432 one.DB.prod.svc.Cluster.local.");
    CHECK(reply.additional == Texts{"one.DB.prod.svc.Cluster.local. 5 IN A 10.1.0.1"});
}

TEST_CASE("a long chain over UDP ends where it no longer fits, with TC") {
    const auto cluster = chain_of(16);
    const Reply reply = cluster.ask({.qname = name_of("link-1"), .tcp = false});
    CHECK(reply.message.has_flag("tc"));
    CHECK(reply.size <= 512);
    CHECK(reply.message.answer.size() > 5);
    CHECK(reply.message.answer.size() < 17);
    CHECK_FALSE(cluster.ask(name_of("link-1"), "A").message.has_flag("tc"));
}

TEST_CASE("targets of 255 octets, twice over") {
    const std::string label(63, 'x');
    const std::string longest =
        label + '.' + label + '.' + label + '.' + std::string(61, 'y') + '.';
    const Reply reply = external(longest).ask(name_of("ext"), "A");
    CHECK(reply.outcome == Outcome::NextName);
    CHECK(reply.target == longest);
}

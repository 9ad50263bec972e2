// The words of Extended DNS Errors about names of a cluster, each as a client reads it.
#include "zones/reason.h"

#include <random>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;

namespace {

const std::vector<k8s_client::EndpointPort> kPorts = {
    {"http-default", "TCP", 8080}, {"http-mux1", "TCP", 8081}, {"dns", "UDP", 53}};

/// `pods` and `more` are what the tests differ in.
TestCluster kubia(ClusterOptions options = usual_options()) {
    TestCluster cluster(std::move(options));
    const auto down = [](const std::string& address) { return make_endpoint(address, "", false); };
    cluster.add(
        make_namespace("default"), make_namespace("secret-ns"),
        make_service("secret-ns", "secret-service", {"10.9.9.9"}, {{"secret-port", "TCP", 1}}),
        make_service("default", "secret-service", {"10.9.9.8"}, {{"secret-port", "TCP", 1}}),
        make_service("default", "kubia", {"10.96.0.7"},
                     {{"http-default", "TCP", 80}, {"http-mux1", "TCP", 81}, {"dns", "UDP", 53}}),
        make_slice("default", "kubia-1", "kubia",
                   {make_endpoint("10.1.0.1", "kubia-0"), down("10.1.0.2"), down("10.1.0.3")},
                   kPorts),
        make_service("default", "plain", {"10.96.0.8"}, {{"", "TCP", 80}}),
        make_service("default", "portless", {"10.96.0.9"}), make_headless("default", "unready"),
        make_slice("default", "unready-1", "unready",
                   {down("10.1.0.2"), down("10.1.0.3"), down("10.1.0.4")}, kPorts),
        make_slice("default", "unready-2", "unready", {down("10.1.0.4"), down("fd00::4")}, kPorts),
        make_headless("default", "nobody"), make_headless("default", "half"),
        make_slice("default", "half-1", "half", {make_endpoint("10.1.0.1", "a"), down("10.1.0.2")},
                   kPorts),
        make_external("default", "out", "secret.example.com"),
        make_external("default", "astray", "secret-gone.secret-ns.svc.cluster.local"),
        make_external("default", "number", "192.0.2.1"), make_service("default", "pending", {}));
    return cluster;
}

std::string why(const TestCluster& cluster, const std::string& qname, const std::string& type) {
    const Reply reply =
        cluster.ask({.qname = qname, .qtype = type_number(type), .edns_size = 1232, .why = true});
    return reply.message.edns->extended_error;
}

struct Case {
    std::string qname, type, why;
};

void check(const TestCluster& cluster, const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        CAPTURE(one.qname);
        CAPTURE(one.type);
        CHECK(why(cluster, one.qname, one.type) == one.why);
    }
}

}  // namespace

TEST_CASE("names that are not there: which part of them") {
    const std::string kubia_ports = " (has http-default, http-mux1, dns/udp)";
    check(kubia(), {{"kubia.prd.svc.cluster.local.", "A", "0 no namespace \"prd\""},
                    {"_http._tcp.kubia.prd.svc.cluster.local.", "SRV", "0 no namespace \"prd\""},
                    {"prd.svc.cluster.local.", "A", "0 no namespace \"prd\""},
                    {"kubai.default.svc.cluster.local.", "A",
                     "0 no service \"kubai\" in namespace \"default\""},
                    {"_htp._tcp.kubia.default.svc.cluster.local.", "SRV",
                     "0 service kubia has no port \"htp\"/tcp" + kubia_ports},
                    {"_dns._tcp.KUBIA.default.svc.cluster.local.", "SRV",
                     "0 service kubia has no port \"dns\"/tcp" + kubia_ports},
                    {"_http._tcp.plain.default.svc.cluster.local.", "SRV",
                     "0 service plain has no port \"http\"/tcp (its ports have no names)"},
                    {"_http._tcp.portless.default.svc.cluster.local.", "SRV",
                     "0 service portless has no port \"http\"/tcp (has none)"},
                    {"_sctp.kubia.default.svc.cluster.local.", "SRV",
                     "0 service kubia has no port of protocol \"sctp\""},
                    {"a.b.c.kubia.default.svc.cluster.local.", "A",
                     "0 no name is that far below service kubia"},
                    {"pod-7.kubia.default.svc.cluster.local.", "A",
                     "0 service kubia has no ready endpoint \"pod-7\" (1 of 3 ready)"},
                    {"x.out.default.svc.cluster.local.", "A",
                     "0 service out is an ExternalName: nothing is below it"},
                    {"kubia.default.cluster.local.", "A",
                     "0 names of services are <service>.<namespace>.svc in this zone"}});
}

TEST_CASE("a Service without ready endpoints says how many there are, each counted once") {
    check(kubia(), {{"unready.default.svc.cluster.local.", "A",
                     "0 service unready has 0 of 3 endpoints ready"},
                    {"unready.default.svc.cluster.local.", "SRV",
                     "0 service unready has 0 of 3 endpoints ready"},
                    {"_http-mux1._tcp.unready.default.svc.cluster.local.", "SRV",
                     "0 service unready has 0 of 3 endpoints ready"},
                    {"10-1-0-2.unready.default.svc.cluster.local.", "A",
                     "0 service unready has 0 of 3 endpoints ready"},
                    {"nobody.default.svc.cluster.local.", "A", "0 service nobody has no endpoints"},
                    {"b.half.default.svc.cluster.local.", "A",
                     "0 service half has no ready endpoint \"b\" (1 of 2 ready)"},
                    {"half.default.svc.cluster.local.", "A", ""}});
    auto ignoring = usual_options();
    ignoring.ignore_empty_service = true;
    TestCluster cluster = kubia(ignoring);
    cluster.remove(make_slice("default", "kubia-1", "kubia", {}));
    check(cluster, {{"kubia.default.svc.cluster.local.", "A", "0 service kubia has no endpoints"}});
    auto without = usual_options();
    without.no_endpoints = true;
    check(kubia(without), {{"unready.default.svc.cluster.local.", "A",
                            "0 service unready has only its endpoints, which are not served"},
                           {"a.kubia.default.svc.cluster.local.", "A",
                            "0 service kubia: its endpoints are not served"}});
}

TEST_CASE("a pod that becomes ready takes its words away") {
    TestCluster cluster = kubia();
    const std::string name = "unready.default.svc.cluster.local.";
    cluster.add(make_slice("default", "unready-1", "unready",
                           {make_endpoint("10.1.0.2"), make_endpoint("10.1.0.3", "", false)},
                           kPorts));
    CHECK(why(cluster, name, "A") == "");
    CHECK(why(cluster, name, "AAAA") == "0 service unready has no IPv6 address");
    auto all = make_headless("default", "unready");
    all.publish_not_ready_addresses = true;
    cluster.add(all);
    CHECK(why(cluster, name, "AAAA") == "");
    CHECK(why(cluster, "x.unready.default.svc.cluster.local.", "A") ==
          "0 service unready has no ready endpoint \"x\" (3 of 3 ready)");
}

TEST_CASE("names that are there: which type they lack") {
    check(kubia(),
          {{"kubia.default.svc.cluster.local.", "AAAA", "0 service kubia has no IPv6 address"},
           {"_http-mux1._tcp.kubia.default.svc.cluster.local.", "AAAA",
            "0 service kubia has no IPv6 address"},
           {"kubia.default.svc.cluster.local.", "MX",
            "0 service kubia has A, AAAA and SRV records only"},
           {"portless.default.svc.cluster.local.", "SRV", "0 service portless has no ports"},
           {"kubia-0.kubia.default.svc.cluster.local.", "AAAA",
            "0 endpoint \"kubia-0\" has no IPv6 address"},
           {"kubia-0.kubia.default.svc.cluster.local.", "MX",
            "0 endpoint \"kubia-0\" has no such record"},
           {"number.default.svc.cluster.local.", "A",
            "0 service number has neither a cluster IP nor a name to lead to"},
           {"pending.default.svc.cluster.local.", "A",
            "0 service pending has neither a cluster IP nor a name to lead to"},
           {"default.svc.cluster.local.", "A", "0 below a namespace are the names of its services"},
           {"cluster.local.", "MX", ""},
           {"svc.cluster.local.", "A", ""},
           {"kubia.default.svc.cluster.local.", "A", ""}});
}

TEST_CASE("pods and reverse names") {
    check(
        kubia(),
        {{"10-1-0-1.prd.pod.cluster.local.", "A", "0 no namespace \"prd\""},
         {"kubia-0.default.pod.cluster.local.", "A", "0 \"kubia-0\" is not an address with dashes"},
         {"10-1-0-1.default.pod.cluster.local.", "AAAA", "0 \"10-1-0-1\" is an IPv4 address"},
         {"fd00--1.default.pod.cluster.local.", "A", "0 \"fd00--1\" is an IPv6 address"},
         {"10-1-0-1.default.pod.cluster.local.", "MX", "0 a pod has no such record"},
         {"a.b.c.10-1-0-1.default.pod.cluster.local.", "A", "0 no name is that far below a pod"},
         {"default.pod.cluster.local.", "A", "0 below a namespace are the addresses of its pods"},
         {"9.9.9.9.in-addr.arpa.", "PTR", "0 no service and no ready endpoint has this address"},
         {"7.0.96.10.in-addr.arpa.", "A", "0 an address has PTR records only"},
         {"96.10.in-addr.arpa.", "PTR", "0 not the reverse name of an address"}});
    auto options = usual_options();
    options.pods = PodMode::Verified;
    check(kubia(options), {{"10-1-0-1.default.pod.cluster.local.", "A",
                            "0 no pod in namespace \"default\" has the address \"10-1-0-1\""}});
    options.pods = PodMode::Disabled;
    check(kubia(options),
          {{"10-1-0-1.default.pod.cluster.local.", "A", "0 names of pods are not served"}});
    options.namespaces = {"default"};
    check(kubia(options), {{"secret-service.secret-ns.svc.cluster.local.", "A",
                            "0 no namespace \"secret-ns\" among those that are served"}});
}

TEST_CASE("of a name that a CNAME leads to nothing is told but that it is not there") {
    check(kubia(), {{"astray.default.svc.cluster.local.", "A",
                     "0 the name that this one leads to does not exist"},
                    {"out.default.svc.cluster.local.", "A", ""}});
}

TEST_CASE("a text is cut with dots, and stays so") {
    ReasonText text;
    text.add(std::string(239, 'a')).add("bc");
    CHECK(text.view().size() == 240);
    CHECK(text.view().substr(236) == "a...");
    CHECK(text.add("more").view().size() == 240);
    text.clear();
    CHECK(text.add_label("\x01 \xc3\"\x7f~").view() == "?????~");
}

/// The judge of every reply in these tests looks at the text; here the names are an enemy's.
TEST_CASE("whatever is asked, a text is readable, short, and tells no other name") {
    const TestCluster cluster = kubia();
    const std::vector<std::string> labels = {
        "kubia",         "default", "secret-ns", "svc", "pod",
        "_http-default", "_tcp",    "unready",   "_",   "out",
        "astray",        "prd",     "10-1-0-1",  "dns", std::string(63, '\xff')};
    std::mt19937 random(1);
    const auto below = [&](std::size_t n) { return random() % n; };
    for (int i = 0; i < 20'000; ++i) {
        std::string wire;
        bool asks_secret = false;
        for (auto left = below(6) + 1; left > 0; --left) {
            std::string label = labels[below(labels.size())];
            if (below(5) == 0) {
                label.assign(below(63) + 1, '\0');
                std::ranges::generate(label, [&] { return static_cast<char>(random()); });
            }
            asks_secret = asks_secret || label == "secret-ns";
            if (wire.size() + label.size() + 20 < kMaxNameLength) {
                wire += static_cast<char>(label.size()) + label;
            }
        }
        wire += below(8) == 0
                    ? Name::parse("in-addr.arpa")->wire()
                    : Name::parse(below(2) == 0 ? "svc.cluster.local" : "cluster.local")->wire();
        const auto name = Name::from_wire(wire);
        REQUIRE(name.has_value());
        CAPTURE(name->to_string());
        std::string text = why(cluster, name->to_string(), i % 3 == 0 ? "SRV" : "A");
        CHECK((asks_secret || text.find("secret") == std::string::npos));
    }
}

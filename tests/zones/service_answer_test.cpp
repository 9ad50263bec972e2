#include "zones/service_answer.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;

namespace {

Strings addresses(std::size_t count, bool v6 = false) {
    Strings all;
    for (std::size_t i = 0; i < count; ++i) {
        const auto high = std::to_string(i / 250), low = std::to_string(1 + i % 250);
        all.push_back(v6 ? "fd00::" + high + ':' + low : "10.1." + high + '.' + low);
    }
    return all;
}

TestCluster headless_with(std::vector<k8s_client::Endpoint> endpoints,
                          std::vector<k8s_client::EndpointPort> ports = {{"sql", "TCP", 5432}}) {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_headless("prod", "db"),
                make_slice("prod", "d", "db", std::move(endpoints), std::move(ports)));
    return cluster;
}

std::string srv(const std::string& owner, int weight, int port, const std::string& target) {
    return owner + " 5 IN SRV 0 " + std::to_string(weight) + ' ' + std::to_string(port) + ' ' +
           target;
}

}  // namespace

TEST_CASE("SRV at a ClusterIP Service: a record for each port, the weight shared by all matches") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"),
                make_service(
                    "prod", "web", {"10.0.0.1", "fd00::1"},
                    {{"http", "TCP", 80}, {"h2", "TCP", 443}, {"h3", "UDP", 443}, {"", "TCP", 9}}));
    const Judged all = cluster.ask(kWeb, "SRV").message;
    CHECK(sorted(all.answer) ==
          sorted({srv(kWeb, 12, 80, kWeb), srv(kWeb, 12, 443, kWeb), srv(kWeb, 12, 9, kWeb)}));
    CHECK(all.additional == Texts{kWeb + " 5 IN A 10.0.0.1", kWeb + " 5 IN AAAA fd00::1"});
    const std::string named = "_h3._udp." + kWeb;
    CHECK(cluster.answer(named, "SRV") == Texts{srv(named, 50, 443, kWeb)});
    CHECK(cluster.answer(named, "A") == Texts{named + " 5 IN A 10.0.0.1"});
}

TEST_CASE("an address in two slices is one endpoint, and counts once in the weight") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_headless("prod", "db"),
                make_slice("prod", "a", "db", endpoints_at({"10.1.0.1"}), {{"sql", "TCP", 1}}),
                make_slice("prod", "b", "db", endpoints_at({"10.1.0.1"}), {{"sql", "TCP", 1}}));
    CHECK(cluster.answer(kDb, "SRV") == Texts{srv(kDb, 100, 1, "10-1-0-1." + kDb)});
}

TEST_CASE("endpoints of a Service that does not exist have no PTR") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"),
                make_slice("prod", "a", "db", endpoints_at({"10.1.0.1"}), {{"sql", "TCP", 1}}));
    CHECK(cluster.answer("1.0.1.10.in-addr.arpa.", "PTR") == Texts{"NXDOMAIN"});
    cluster.add(make_headless("prod", "db"));
    CHECK(cluster.answer("1.0.1.10.in-addr.arpa.", "PTR").size() == 1);
}

TEST_CASE("a Service without ports has addresses and no SRV") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}));
    CHECK(cluster.answer(kWeb, "A").size() == 1);
    CHECK(cluster.answer(kWeb, "SRV").empty());
    CHECK(cluster.answer("_http._tcp." + kWeb, "SRV") == Texts{"NXDOMAIN"});
}

TEST_CASE("SRV at a headless Service: a target for each label, with its addresses") {
    const auto cluster =
        headless_with({make_endpoint("10.1.0.1", "one"), make_endpoint("fd00::1", "one"),
                       make_endpoint("10.1.0.2"), make_endpoint("fd00::2")});
    const std::string named = "_sql._tcp." + kDb;
    const Judged reply = cluster.ask(named, "SRV").message;
    CHECK(sorted(reply.answer) ==
          sorted({srv(named, 25, 5432, "one." + kDb), srv(named, 25, 5432, "10-1-0-2." + kDb),
                  srv(named, 25, 5432, "fd00--2." + kDb)}));
    CHECK(
        sorted(reply.additional) ==
        sorted({"one." + kDb + " 5 IN A 10.1.0.1", "one." + kDb + " 5 IN AAAA fd00::1",
                "10-1-0-2." + kDb + " 5 IN A 10.1.0.2", "fd00--2." + kDb + " 5 IN AAAA fd00::2"}));
    CHECK(cluster.answer("one." + kDb, "SRV") == Texts{srv("one." + kDb, 50, 5432, "one." + kDb)});
    CHECK(cluster.answer("one." + kDb, "A") == Texts{"one." + kDb + " 5 IN A 10.1.0.1"});
    CHECK(cluster.answer("fd00--2." + kDb, "A").empty());
}

TEST_CASE("weights are at least 1") {
    std::vector<k8s_client::Endpoint> many = endpoints_at(addresses(150));
    const Judged reply = headless_with(many).ask(kDb, "SRV").message;
    CHECK(reply.answer.size() == 150);
    CHECK(reply.additional.size() == 150);
    CHECK(reply.answer[0].find(" SRV 0 1 5432 ") != std::string::npos);
}

TEST_CASE("slices with other ports: names under a port have the endpoints that have it") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_headless("prod", "db"),
                make_slice("prod", "a", "db", endpoints_at({"10.1.0.1", "10.1.0.2"}),
                           {{"sql", "TCP", 5432}}),
                make_slice("prod", "b", "db",
                           {make_endpoint("10.1.0.2"), make_endpoint("10.1.0.3", "x"),
                            make_endpoint("fd00::3", "x")},
                           {{"web", "TCP", 80}, {"dns", "UDP", 5432}}));
    CHECK(cluster.answer("_sql._tcp." + kDb, "A").size() == 2);
    CHECK(cluster.answer("_web._tcp." + kDb, "A") ==
          Texts{"_web._tcp." + kDb + " 5 IN A 10.1.0.2", "_web._tcp." + kDb + " 5 IN A 10.1.0.3"});
    CHECK(cluster.answer("_web._tcp." + kDb, "AAAA") ==
          Texts{"_web._tcp." + kDb + " 5 IN AAAA fd00::3"});
    CHECK(cluster.answer("_sql._tcp." + kDb, "AAAA").empty());
    CHECK(cluster.answer(kDb, "A").size() == 3);
    // 10.1.0.2 has 5432 twice, under two names: equal SRV records are sent once.
    const Texts all = cluster.answer(kDb, "SRV");
    CHECK(all == sorted({srv(kDb, 12, 5432, "10-1-0-1." + kDb),
                         srv(kDb, 12, 5432, "10-1-0-2." + kDb), srv(kDb, 12, 80, "10-1-0-2." + kDb),
                         srv(kDb, 12, 80, "x." + kDb), srv(kDb, 12, 5432, "x." + kDb)}));
}

TEST_CASE("pod names: the address, and SRV with port 0") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"));
    const std::string pod = "10-240-0-1.prod.pod.cluster.local.";
    CHECK(cluster.answer(pod, "A") == Texts{pod + " 5 IN A 10.240.0.1"});
    CHECK(cluster.answer(pod, "AAAA").empty());
    const Judged reply = cluster.ask("x." + pod, "SRV").message;
    CHECK(reply.answer == Texts{srv("x." + pod, 100, 0, pod)});
    CHECK(reply.additional == Texts{pod + " 5 IN A 10.240.0.1"});
}

TEST_CASE("PTR: a cluster IP has one name, an endpoint one for each of its own") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_namespace("test"),
                make_service("prod", "web", {"10.0.0.1"}), make_headless("prod", "db"),
                make_headless("test", "db"),
                make_slice("prod", "a", "db",
                           {make_endpoint("10.1.0.1", "x"), make_endpoint("10.1.0.1", "y"),
                            make_endpoint("10.0.0.1")}),
                make_slice("prod", "b", "db", {make_endpoint("10.1.0.1", "x")}, {{"p", "TCP", 1}}),
                make_slice("test", "a", "db", {make_endpoint("10.1.0.1")}));
    const std::string ip = "1.0.0.10.in-addr.arpa.", endpoint = "1.0.1.10.in-addr.arpa.";
    CHECK(cluster.answer(ip, "PTR") == Texts{ip + " 5 IN PTR " + kWeb});
    CHECK(cluster.answer(endpoint, "PTR") ==
          Texts{endpoint + " 5 IN PTR 10-1-0-1.db.test.svc.cluster.local.",
                endpoint + " 5 IN PTR x." + kDb, endpoint + " 5 IN PTR y." + kDb});
    CHECK(cluster.answer(endpoint, "A").empty());
}

TEST_CASE("addresses keep their order unless they rotate") {
    const auto cluster = headless_with(endpoints_at(addresses(5)));
    const Texts plain = cluster.ask({.qname = kDb, .random = 3}).message.answer;
    CHECK(plain == cluster.ask({.qname = kDb, .random = 0}).message.answer);
    std::set<std::string> first;
    for (std::uint32_t random = 0; random < 5; ++random) {
        const Texts turned =
            cluster.ask({.qname = kDb, .rotate = true, .random = random}).message.answer;
        CHECK(sorted(turned) == sorted(plain));
        first.insert(turned[0]);
    }
    CHECK(first.size() == 5);
}

TEST_CASE("over UDP: whole records up to the limit, and TC") {
    const auto cluster = headless_with(endpoints_at(addresses(200)));
    for (const std::optional<std::uint16_t> edns :
         {std::optional<std::uint16_t>{}, std::optional<std::uint16_t>{512},
          std::optional<std::uint16_t>{4096}}) {
        for (const char* type : {"A", "SRV"}) {
            const Reply reply = cluster.ask(
                {.qname = kDb, .qtype = type_number(type), .tcp = false, .edns_size = edns});
            const std::size_t limit = edns == 4096 ? 1232 : 512;
            CHECK(reply.message.has_flag("tc"));
            CHECK(reply.size <= limit);
            CHECK(reply.size > limit - (*type == 'A' ? 16 : 60));
            CHECK(std::set<std::string>(reply.message.answer.begin(), reply.message.answer.end())
                      .size() == reply.message.answer.size());
            CHECK(reply.message.additional.empty());
        }
    }
    CHECK(cluster.ask(kDb, "A").message.answer.size() == 200);
    CHECK_FALSE(cluster.ask(kDb, "A").message.has_flag("tc"));
}

TEST_CASE("additional records are left out without TC (RFC 2181 section 9)") {
    const auto cluster = headless_with(endpoints_at(addresses(7)));
    const Reply reply = cluster.ask({.qname = kDb, .qtype = qtype::kSrv, .tcp = false});
    CHECK(reply.message.answer.size() == 7);
    CHECK(reply.message.additional.size() < 7);
    CHECK_FALSE(reply.message.has_flag("tc"));
}

TEST_CASE("more than 64 KiB over TCP: as many as fit, from another start each time") {
    for (const bool v6 : {false, true}) {
        const auto cluster = headless_with(endpoints_at(addresses(6000, v6)));
        const std::size_t record = v6 ? 28 : 16;
        std::set<std::string> seen;
        for (const std::uint32_t random : {0U, 2300U, 4600U}) {
            const Reply reply = cluster.ask(
                {.qname = kDb, .qtype = v6 ? qtype::kAaaa : qtype::kA, .random = random});
            CHECK(reply.message.has_flag("tc"));
            CHECK(reply.size > kMaxMessageSize - record);
            const std::set<std::string> part(reply.message.answer.begin(),
                                             reply.message.answer.end());
            CHECK(part.size() == reply.message.answer.size());
            seen.insert(part.begin(), part.end());
        }
        CHECK(seen.size() == 6000);
    }
}

TEST_CASE("SRV and PTR beyond 64 KiB are cut at a whole record") {
    const auto cluster = headless_with(endpoints_at(addresses(3000)));
    const Reply srv_reply = cluster.ask(kDb, "SRV");
    CHECK(srv_reply.message.has_flag("tc"));
    CHECK(srv_reply.size > kMaxMessageSize - 100);
    TestCluster shared;
    shared.add(make_namespace("prod"));
    std::vector<k8s_client::Endpoint> names;
    for (int i = 0; i < 2000; ++i) {
        names.push_back(make_endpoint("10.1.0.1", "name-" + std::to_string(i)));
    }
    shared.add(make_headless("prod", "db"), make_slice("prod", "d", "db", names));
    const Reply ptr_reply = shared.ask("1.0.1.10.in-addr.arpa.", "PTR");
    CHECK(ptr_reply.message.has_flag("tc"));
    CHECK(ptr_reply.size > kMaxMessageSize - 100);
}

TEST_CASE("bug: an endpoint named like its address, beside the same without a name, is one") {
    TestCluster cluster;
    cluster.add(
        make_namespace("prod"), make_headless("prod", "db"),
        make_slice("prod", "a", "db", {make_endpoint("10.1.0.1", "10-1-0-1")}, {{"sql", "TCP", 1}}),
        make_slice("prod", "b", "db", {make_endpoint("10.1.0.1")}, {{"sql", "TCP", 1}}));
    const std::string name = "10-1-0-1." + kDb, reverse = "1.0.1.10.in-addr.arpa.";
    CHECK(cluster.answer(name, "A") == Texts{name + " 5 IN A 10.1.0.1"});
    CHECK(cluster.answer(reverse, "PTR") == Texts{reverse + " 5 IN PTR " + name});
    CHECK(cluster.answer(kDb, "SRV").size() == 1);
    CHECK(cluster.ask(kDb, "SRV").message.additional.size() == 1);
}

TEST_CASE("bug: a name that would be longer than 255 octets is left out") {
    const std::string label(63, 'x');
    const std::string zone = std::string(63, 'z') + '.' + std::string(50, 'z');
    TestCluster cluster(options_for({zone, "in-addr.arpa"}));
    cluster.add(
        make_namespace(label), make_headless(label, label),
        make_slice(label, "s", label, {make_endpoint("10.1.0.1", label)}, {{"sql", "TCP", 1}}));
    const std::string service = label + '.' + label + ".svc." + zone + '.';
    CHECK(cluster.answer(service, "A").size() == 1);
    CHECK(cluster.answer(service, "SRV").empty());
    CHECK(cluster.answer("1.0.1.10.in-addr.arpa.", "PTR").empty());
}

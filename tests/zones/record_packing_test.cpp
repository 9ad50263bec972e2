#include <string>

#include <doctest/doctest.h>

#include "tests/support/objects.h"
#include "zones/record_builder.h"

using namespace zones;
using namespace support;

namespace {

/// The label that an endpoint keeps beside its address; empty if it is made from the address.
std::string label_of(const k8s_client::Endpoint& endpoint, bool endpoint_pod_names) {
    const auto packed = pack(k8s_client::EndpointSubset{{endpoint}, {}}, endpoint_pod_names);
    REQUIRE(packed.endpoints.size() == 1);
    const std::size_t at = packed.endpoints[0].label_at;
    return at == 0 ? "" : packed.labels.substr(at + 1, static_cast<std::size_t>(packed.labels[at]));
}

k8s_client::Endpoint endpoint(const std::string& hostname, const std::string& pod) {
    return {{"10.11.12.13"}, true, hostname, pod};
}

}  // namespace

TEST_CASE("the label of an endpoint: hostname, pod name if wanted, else the address") {
    CHECK(label_of(endpoint("", "hello-abcde"), false).empty());
    CHECK(label_of(endpoint("", "hello-abcde"), true) == "hello-abcde");
    CHECK(label_of(endpoint("epname", "hello-abcde"), true) == "epname");
    CHECK(label_of(endpoint("epname", "hello-abcde"), false) == "epname");
    CHECK(label_of(endpoint("EpName", ""), false) == "epname");
    CHECK(label_of(endpoint("", std::string(63, 'p')), true) == std::string(63, 'p'));
    CHECK(label_of(endpoint("", std::string(64, 'p')), true).empty());
    CHECK(label_of(endpoint("", "pod.with.dots"), true).empty());
}

TEST_CASE("a label is made from the address as it was delivered") {
    CHECK(label_of(make_endpoint("5678:abcd::1"), false).empty());
    CHECK(label_of(make_endpoint("5678:ABCD::1"), false).empty());
    CHECK(label_of(make_endpoint("5678:abcd:0::1"), false) == "5678-abcd-0--1");
    CHECK(label_of(make_endpoint("::ffff:10.0.0.1"), false) == "--ffff-10-0-0-1");
}

TEST_CASE("every address of an endpoint counts, but what is none") {
    k8s_client::Endpoint several{{"10.0.0.1", "bad", "fd00::1", "10.0.0.2"}, false, "h", ""};
    const auto packed = pack(k8s_client::EndpointSubset{{several}, {}}, false);
    REQUIRE(packed.endpoints.size() == 3);
    CHECK_FALSE(packed.endpoints[0].v6);
    CHECK(packed.endpoints[1].v6);
    for (const auto& one : packed.endpoints) {
        CHECK_FALSE(one.ready);
        CHECK(one.label_at != 0);
    }
}

TEST_CASE("ports of a slice are lower case, sorted, once, and have a number") {
    const auto packed = pack(k8s_client::EndpointSubset{{},
                                                        {{"Web", "TCP", 80},
                                                         {"web", "TCP", 80},
                                                         {"dns", "UDP", 53},
                                                         {"sig", "SCTP", 9},
                                                         {"none", "TCP", std::nullopt}}},
                             false);
    REQUIRE(packed.ports.size() == 3);
    CHECK(packed.ports[0] == PackedPort{"dns", 53, Protocol::Udp});
    CHECK(packed.ports[1] == PackedPort{"sig", 9, Protocol::Sctp});
    CHECK(packed.ports[2] == PackedPort{"web", 80, Protocol::Tcp});
}

TEST_CASE("kinds of Services") {
    CHECK(pack(make_service("ns", "a", {"10.0.0.1"})).kind == ServiceRecords::Kind::ClusterIp);
    CHECK(pack(make_service("ns", "a", {"fd00::1"})).kind == ServiceRecords::Kind::ClusterIp);
    CHECK(pack(make_service("ns", "a", {})).kind == ServiceRecords::Kind::Nothing);
    CHECK(pack(make_service("ns", "a", {"bad"})).kind == ServiceRecords::Kind::Nothing);
    CHECK(pack(make_headless("ns", "a")).kind == ServiceRecords::Kind::Headless);
    const auto external = pack(make_external("ns", "a", "Example.COM"));
    CHECK(external.kind == ServiceRecords::Kind::ExternalName);
    CHECK(external.target.to_string() == "Example.COM.");
    CHECK(pack(make_external("ns", "a", "example.com.")).kind ==
          ServiceRecords::Kind::ExternalName);
    for (const char* none : {"", "10.0.0.1", "fd00::1", "a..b"}) {
        CAPTURE(none);
        CHECK(pack(make_external("ns", "a", none)).kind == ServiceRecords::Kind::Nothing);
    }
}

TEST_CASE("an ExternalName keeps no cluster IP; NodePort and LoadBalancer are their cluster IPs") {
    auto external = make_external("ns", "a", "example.com");
    external.cluster_ips = {"10.0.0.1"};
    CHECK(pack(external).v4.empty());
    auto balanced = make_service("ns", "a", {"10.0.0.2", "fd00::2", "10.0.0.1", "10.0.0.2"});
    balanced.type = k8s_client::ServiceType::LoadBalancer;
    const auto packed = pack(balanced);
    CHECK(packed.kind == ServiceRecords::Kind::ClusterIp);
    CHECK(packed.v4 == std::vector<Ipv4>{{{10, 0, 0, 1}}, {{10, 0, 0, 2}}});
    CHECK(packed.v6.size() == 1);
}

TEST_CASE("what differs is not equal, what does not matter is") {
    const auto service = make_service("ns", "a", {"10.0.0.1"}, {{"web", "TCP", 80}});
    auto other = service;
    other.meta.labels = {{"k", "v"}};
    CHECK(pack(service) == pack(other));
    other.publish_not_ready_addresses = true;
    CHECK_FALSE(pack(service) == pack(other));
    other = service;
    other.ports[0].port = 81;
    CHECK_FALSE(pack(service) == pack(other));
    other = service;
    other.ports[0].protocol = "UDP";
    CHECK_FALSE(pack(service) == pack(other));
}

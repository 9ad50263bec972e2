#include <string>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;

namespace {

/// True if the batch moves the serial to its time.
bool bumps(TestCluster& cluster, const std::vector<k8s_client::Change>& batch) {
    const auto before = cluster.snapshot()->serial;
    cluster.apply(batch);
    const auto after = cluster.snapshot()->serial;
    CHECK((after == before || after == cluster.now()));
    return after != before;
}

TestCluster cluster_with_everything() {
    auto options = usual_options();
    options.pods = PodMode::Verified;
    TestCluster cluster(options);
    cluster.add(make_namespace("prod"),
                make_service("prod", "web", {"10.0.0.1"}, {{"p", "TCP", 80}}),
                make_slice("prod", "s", "web", endpoints_at({"10.1.0.1"}), {{"p", "TCP", 80}}),
                make_endpoints("prod", "web", {{endpoints_at({"10.1.0.1"}), {}}}),
                make_pod("prod", "a", "10.2.0.1"));
    return cluster;
}

}  // namespace

TEST_CASE("the serial is 0 before any object, then the time of the last relevant change") {
    TestCluster cluster;
    CHECK(cluster.snapshot()->serial == 0);
    cluster.add(make_namespace("prod"));
    CHECK(cluster.snapshot()->serial == 0);  // no name of a Service changed
    cluster.add(make_service("prod", "web", {"10.0.0.1"}));
    CHECK(cluster.snapshot()->serial == cluster.now());
    const auto soa = cluster.ask("cluster.local.", "SOA").message.answer;
    REQUIRE(soa.size() == 1);
    CHECK(soa[0].find(' ' + std::to_string(cluster.now()) + " 7200 ") != std::string::npos);
}

TEST_CASE("an object that did not change does not bump the serial") {
    TestCluster cluster = cluster_with_everything();
    auto labelled = make_service("prod", "web", {"10.0.0.1"}, {{"p", "TCP", 80}});
    labelled.meta.labels = {{"new", "label"}};
    CHECK_FALSE(bumps(cluster, {applied(labelled)}));
    CHECK_FALSE(bumps(cluster, {applied(make_namespace("prod"))}));
    CHECK_FALSE(bumps(cluster, {applied(make_slice("prod", "s", "web", endpoints_at({"10.1.0.1"}),
                                                   {{"p", "TCP", 80}}))}));
    CHECK_FALSE(bumps(
        cluster, {applied(make_endpoints("prod", "web", {{endpoints_at({"10.1.0.1"}), {}}}))}));
    CHECK_FALSE(bumps(cluster, {applied(make_pod("prod", "a", "10.2.0.1"))}));
    CHECK_FALSE(bumps(cluster, {}));
}

TEST_CASE("what changes an answer bumps the serial") {
    TestCluster cluster = cluster_with_everything();
    CHECK(bumps(cluster, {applied(make_service("prod", "web", {"10.0.0.1"}, {{"q", "TCP", 80}}))}));
    CHECK(bumps(cluster, {applied(make_service("prod", "web", {"10.0.0.1"}, {{"q", "TCP", 81}}))}));
    CHECK(bumps(cluster, {applied(make_external("prod", "web", "example.com"))}));
    CHECK(bumps(cluster, {applied(make_external("prod", "web", "example.org"))}));
    CHECK(bumps(cluster, {applied(make_slice("prod", "s", "web", endpoints_at({"10.1.0.2"})))}));
    CHECK(bumps(cluster,
                {applied(make_slice("prod", "s", "web", {make_endpoint("10.1.0.2", "h")}))}));
    CHECK(
        bumps(cluster, {applied(make_slice("prod", "s", "db", {make_endpoint("10.1.0.2", "h")}))}));
    CHECK(bumps(cluster, {applied(make_pod("prod", "a", "10.2.0.2"))}));
    CHECK(bumps(cluster, {deleted(make_pod("prod", "a", ""))}));
    CHECK(bumps(cluster, {deleted(make_slice("prod", "s", "db", {}))}));
    CHECK(bumps(cluster, {deleted(make_endpoints("prod", "web", {}))}));
    CHECK(bumps(cluster, {deleted(make_service("prod", "web", {}))}));
}

TEST_CASE("bug: deleting what was never there does not bump the serial") {
    TestCluster cluster = cluster_with_everything();
    CHECK_FALSE(bumps(cluster, {deleted(make_slice("prod", "nope", "web", {}))}));
    CHECK_FALSE(bumps(cluster, {deleted(make_endpoints("prod", "nope", {}))}));
    CHECK_FALSE(bumps(cluster, {deleted(make_pod("prod", "nope", ""))}));
    CHECK_FALSE(bumps(cluster, {deleted(make_service("prod", "nope", {}))}));
    CHECK_FALSE(bumps(cluster, {deleted(make_namespace("nope"))}));
}

TEST_CASE("the serial does not go back when the clock does") {
    ClusterStore store(usual_options(), TestCluster::kKey);
    store.apply(std::vector{applied(make_service("prod", "web", {"10.0.0.1"}))}, 2000);
    store.apply(std::vector{applied(make_service("prod", "web", {"10.0.0.2"}))}, 1000);
    CHECK(store.snapshot()->serial == 2000);
    store.apply(std::vector{applied(make_service("prod", "web", {"10.0.0.3"}))}, 2001);
    CHECK(store.snapshot()->serial == 2001);
}

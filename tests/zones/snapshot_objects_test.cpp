#include "zones/snapshot_objects.h"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "tests/zones/random_cluster.h"

using namespace zones;
using namespace support;
using k8s_client::Change;
using k8s_client::EndpointSlice;
using k8s_client::Object;

namespace {

std::vector<Object> objects_of(const TestCluster& cluster) {
    std::vector<Object> objects;
    visit_objects(*cluster.snapshot(), [&](const Object& object) { objects.push_back(object); });
    return objects;
}

std::vector<Change> changes_of(const TestCluster& cluster) {
    std::vector<Change> changes;
    for (Object& object : objects_of(cluster)) {
        changes.push_back(applied(std::move(object)));
    }
    return changes;
}

template <typename Kind>
std::vector<Kind> all_of(const TestCluster& cluster) {
    std::vector<Kind> found;
    for (const Object& object : objects_of(cluster)) {
        if (const auto* kind = std::get_if<Kind>(&object)) {
            found.push_back(*kind);
        }
    }
    return found;
}

ClusterOptions verified() {
    auto options = usual_options();
    options.pods = PodMode::Verified;
    return options;
}

void check_names_differ(const std::vector<Object>& objects) {
    std::set<std::string> names;
    for (const Object& object : objects) {
        const auto& meta = k8s_client::meta_of(object);
        REQUIRE(names.insert(std::to_string(object.index()) + meta.ns + '/' + meta.name).second);
    }
}

void check_read_back(const ClusterOptions& options, unsigned seed) {
    CAPTURE(seed);
    Events events(seed);
    TestCluster grown(options);
    for (int round = 1; round <= 40; ++round) {
        grown.apply(events.batch());
        if (round % 8 == 0) {
            TestCluster read(options);
            read.apply(changes_of(grown));
            check_same_answers(grown, read);
            check_names_differ(objects_of(grown));
            REQUIRE(*grown.snapshot()->namespaces == *read.snapshot()->namespaces);
            REQUIRE(grown.snapshot()->addresses4.size() == read.snapshot()->addresses4.size());
            REQUIRE(grown.snapshot()->addresses6.size() == read.snapshot()->addresses6.size());
        }
    }
}

}  // namespace

TEST_CASE("a store made of a snapshot's objects answers as the one it was taken of") {
    for (unsigned seed = 0; seed < 30; ++seed) {
        check_read_back(verified(), seed);
    }
    auto hiding = verified();
    hiding.ignore_empty_service = true;
    auto without_endpoints = usual_options();
    without_endpoints.no_endpoints = true;
    auto one_namespace = usual_options();
    one_namespace.namespaces = {"prod"};
    for (unsigned seed = 100; seed < 105; ++seed) {
        check_read_back(hiding, seed);
        check_read_back(without_endpoints, seed);
        check_read_back(one_namespace, seed);
    }
}

TEST_CASE("an empty snapshot has no objects") {
    CHECK(objects_of(TestCluster()).empty());
}

TEST_CASE("Services of each kind, with all of their ports") {
    TestCluster cluster;
    auto web = make_service("prod", "web", {"fd00::1", "10.0.0.1"},
                            {{"http", "TCP", 80}, {"dns", "UDP", 53}, {"", "SCTP", 9}});
    web.type = k8s_client::ServiceType::NodePort;
    cluster.add(web, make_headless("prod", "db"), make_external("prod", "ext", "10.0.0.1."),
                make_service("prod", "pending", {}));
    auto services = all_of<k8s_client::Service>(cluster);
    std::sort(services.begin(), services.end(),
              [](const auto& a, const auto& b) { return a.meta.name < b.meta.name; });
    web.type = k8s_client::ServiceType::ClusterIp;
    web.cluster_ips = {"10.0.0.1", "fd00::1"};
    CHECK(services == std::vector{make_headless("prod", "db"),
                                  make_external("prod", "ext", "10.0.0.1."),
                                  make_service("prod", "pending", {}), web});
}

TEST_CASE("a slice holds one family and one set of ports, and only what counts") {
    TestCluster cluster;
    cluster.add(make_headless("prod", "db"),
                make_slice("prod", "x", "db",
                           {make_endpoint("10.0.0.1", "zero"), make_endpoint("fd00::1"),
                            make_endpoint("10.0.0.9", "", false)},
                           {{"sql", "TCP", 5432}}),
                make_slice("prod", "y", "db", {make_endpoint("10.0.0.2")}, {{"sql", "TCP", 5433}}),
                make_slice("prod", "z", "db", {}, {{"metrics", "TCP", 9100}}));
    const auto slice = [](int number, std::vector<k8s_client::Endpoint> endpoints,
                          std::vector<k8s_client::EndpointPort> ports) {
        auto made = make_slice("prod", "db-" + std::to_string(number), "db", std::move(endpoints),
                               std::move(ports));
        made.meta.labels = {{"kubernetes.io/service-name", "db"}};
        return made;
    };
    auto slices = all_of<EndpointSlice>(cluster);
    for (std::size_t i = 0; i < slices.size(); ++i) {  // their numbers are no one's concern
        slices[i].meta.name = "db-" + std::to_string(i + 1);
    }
    CHECK(slices ==
          std::vector{slice(1, {make_endpoint("10.0.0.1", "zero")}, {{"sql", "TCP", 5432}}),
                      slice(2, {make_endpoint("fd00::1")}, {{"sql", "TCP", 5432}}),
                      slice(3, {make_endpoint("10.0.0.2")}, {{"sql", "TCP", 5433}})});
}

TEST_CASE("a large Service is cut into slices of the size that the API has") {
    TestCluster cluster;
    std::vector<k8s_client::Endpoint> endpoints;
    for (int i = 0; i < 2500; ++i) {
        endpoints.push_back(
            make_endpoint("10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250)));
    }
    cluster.add(make_headless("prod", "db"), make_slice("prod", "x", "db", endpoints));
    std::vector<std::size_t> sizes;
    for (const EndpointSlice& slice : all_of<EndpointSlice>(cluster)) {
        sizes.push_back(slice.subset.endpoints.size());
    }
    CHECK(sizes == std::vector<std::size_t>{1000, 1000, 500});
    check_names_differ(objects_of(cluster));
    TestCluster read;
    read.apply(changes_of(cluster));
    CHECK(read.snapshot()->addresses4.size() == 2500);
}

TEST_CASE("a label that no hostname can be is made again from the address's text") {
    TestCluster cluster;
    cluster.add(
        make_namespace("prod"), make_headless("prod", "db"),
        make_slice("prod", "x", "db", endpoints_at({"::ffff:10.0.0.1", "::ffff:a00:2", "::0:1"})));
    TestCluster read;
    read.apply(changes_of(cluster));
    for (const std::string label : {"--ffff-10-0-0-1", "--ffff-a00-2"}) {
        const std::string name = label + ".db.prod.svc.cluster.local.";
        CAPTURE(name);
        CHECK(read.answer(name, "A") == cluster.answer(name, "A"));
        CHECK(read.answer(name, "A") != Texts{"NXDOMAIN"});
    }
    const std::string name = "--0-1.db.prod.svc.cluster.local.";
    CHECK(read.answer(name, "AAAA") == cluster.answer(name, "AAAA"));
    CHECK(read.answer(name, "AAAA") != Texts{"NXDOMAIN"});
}

TEST_CASE("Pods are kept where their namespace is exposed") {
    TestCluster cluster(verified());
    cluster.add(make_namespace("prod"), make_pod("prod", "a", "10.0.0.1"),
                make_pod("prod", "b", "10.0.0.1"), make_pod("prod", "c", "fd00::1"),
                make_pod("hidden", "d", "10.0.0.2"));
    CHECK(all_of<k8s_client::Pod>(cluster) ==
          std::vector{make_pod("prod", "pod-10-0-0-1", "10.0.0.1"),
                      make_pod("prod", "pod-fd00--1", "fd00::1")});
}

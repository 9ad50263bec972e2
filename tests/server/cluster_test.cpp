#include "server/cluster.h"

#include <thread>

#include <doctest/doctest.h>

#include "tests/server/blocks.h"
#include "tests/server/objects.h"

namespace {

using server::Cluster;
using server::testing::Change;
using server::testing::cluster_ip;
using server::testing::endpoints;
using server::testing::headless;
using server::testing::kubernetes;
using Reader = server::Published<zones::Snapshot>::Reader;

Cluster make_cluster() {
    return {kubernetes({"cluster.local"}).options, {}, {}};
}

const zones::ServiceRecords* find_service(const Reader& reader, std::string_view wire_labels) {
    return reader.current().find_service(wire_labels);
}

}  // namespace

TEST_CASE("a new cluster is empty and not synced") {
    Cluster cluster = make_cluster();
    const Reader reader(cluster.published());
    CHECK_FALSE(reader.current().synced);
    CHECK(find_service(reader, "\3web\4prod") == nullptr);
}

TEST_CASE("a batch of changes is published once, as a whole") {
    Cluster cluster = make_cluster();
    Reader reader(cluster.published());
    cluster.apply(std::vector<Change>{cluster_ip("prod", "web", "10.0.0.1"),
                                      cluster_ip("prod", "api", "10.0.0.2")});
    CHECK(reader.refresh());
    CHECK(find_service(reader, "\3web\4prod") != nullptr);
    CHECK(find_service(reader, "\3api\4prod") != nullptr);
    CHECK_FALSE(reader.current().synced);
    CHECK_FALSE(reader.refresh());

    cluster.synced();
    CHECK(reader.refresh());
    CHECK(reader.current().synced);
}

TEST_CASE("a reader keeps its snapshot while the cluster goes on") {
    Cluster cluster = make_cluster();
    cluster.apply(std::vector<Change>{cluster_ip("prod", "web", "10.0.0.1")});
    const Reader before(cluster.published());
    Change gone = cluster_ip("prod", "web", "10.0.0.1");
    gone.type = Change::Type::Deleted;
    cluster.apply(std::vector<Change>{gone});
    CHECK(find_service(before, "\3web\4prod") != nullptr);
    const Reader after(cluster.published());
    CHECK(find_service(after, "\3web\4prod") == nullptr);
}

TEST_CASE("sources with several threads may apply at once") {
    Cluster cluster = make_cluster();
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            const std::string ns = "ns-" + std::to_string(t);
            for (int n = 0; n < 100; ++n) {
                const std::string service = "web-" + std::to_string(n);
                cluster.apply(std::vector<Change>{headless(ns, service),
                                                  endpoints(ns, service, {"10.0.0.1"})});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const Reader reader(cluster.published());
    for (const char* labels : {"\5web-0\4ns-0", "\6web-99\4ns-1", "\6web-99\4ns-2"}) {
        const auto* records = find_service(reader, labels);
        REQUIRE(records != nullptr);
        CHECK(records->addresses().v4.size() == 1);
    }
}

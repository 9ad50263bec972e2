// What one load of the Corefile begins with, and what a reload takes over.
#include "server/instance.h"

#include <doctest/doctest.h>

#include "k8s_client/snapshot_file.h"
#include "tests/server/printed_log.h"
#include "tests/server/snapshot_fixture.h"
#include "zones/snapshot_objects.h"

using namespace server::testing;

namespace {

/// A cluster whose API server cannot be reached, with the snapshot of that folder.
server::Config cold_config(const support::ScratchFolder& folder, std::uint32_t ttl) {
    auto made = block({"cluster.local"});
    made.kubernetes = kubernetes({"cluster.local"});
    made.kubernetes->options.ttl = ttl;
    made.kubernetes->api.endpoint = "http://127.0.0.1:9";
    made.kubernetes->api.snapshot = folder.path() / "snapshot";
    made.kubernetes->written = "ttl " + std::to_string(ttl);
    server::Config config;
    config.blocks = {made};
    return config;
}

/// As an earlier run left it.
void leave_old_snapshot(const support::ScratchFolder& folder) {
    const auto options = kubernetes({"cluster.local"}).options;
    server::Cluster earlier(options, {}, {});
    earlier.apply(std::vector<Change>{namespace_object(), cluster_ip("prod", "web", "10.0.0.1")});
    earlier.synced();
    const auto snapshot = snapshot_in(folder, options);
    REQUIRE(k8s_client::write_snapshot_file(
        snapshot.file, {server::SnapshotWriter::always_now(), snapshot.filters},
        [&](const auto& put) { zones::visit_objects(*earlier.published().value(), put); }));
}

}  // namespace

TEST_CASE("a start serves a snapshot; a reload waits for the API server, for it has better") {
    const support::ScratchFolder folder;
    leave_old_snapshot(folder);
    PrintedLog printed;
    server::OperatorLog log(printed.sink());
    const auto started = server::make_instance(cold_config(folder, 5), {}, {}, log);
    CHECK(started->sources.front()->ready());
    const auto changed = server::make_instance(cold_config(folder, 30), {}, {}, log, started.get());
    CHECK(changed->sources.front() != started->sources.front());
    CHECK_FALSE(changed->sources.front()->ready());
    const auto same = server::make_instance(cold_config(folder, 5), {}, {}, log, started.get());
    CHECK(same->sources.front() == started->sources.front());
}

// A start without an API server: what is read, what is answered, and how it gives way.
#include "server/stale_snapshot.h"

#include <doctest/doctest.h>

#include "k8s_client/snapshot_file.h"
#include "tests/server/rig.h"
#include "tests/server/snapshot_fixture.h"
#include "tests/server/upstream_replies.h"
#include "zones/snapshot_objects.h"

using namespace server::testing;
using server::Cluster;
using server::SnapshotOptions;
using support::FakeUpstream;
using namespace std::chrono_literals;

namespace {

std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Writes what `cluster` answers from, as of some time ago.
void write_snapshot(const SnapshotOptions& snapshot, const Cluster& cluster,
                    std::chrono::seconds ago = 0s) {
    REQUIRE(k8s_client::write_snapshot_file(
        snapshot.file, {now() - ago, snapshot.filters},
        [&](const auto& put) { zones::visit_objects(*cluster.published().value(), put); }));
}

/// As an earlier run left it: web at 10.0.0.1, db, and an alias to the outside.
void leave_snapshot(const SnapshotOptions& snapshot, std::chrono::seconds ago = 0s) {
    Cluster earlier(kClusterOptions, {}, {});
    earlier.apply(std::vector<Change>{namespace_object(), cluster_ip("prod", "web", "10.0.0.1"),
                                      headless("prod", "db"),
                                      endpoints("prod", "db", {"10.1.0.1", "10.1.0.2"}),
                                      external_name("prod", "ext", "www.example.org")});
    earlier.synced();
    write_snapshot(snapshot, earlier, ago);
}

const std::string kStaleText = " from the snapshot: the API server has not been listed yet";

/// A server block of ttl 30 that has just started, with what an earlier run left.
struct ColdRig : Rig {
    explicit ColdRig(std::optional<std::uint16_t> upstream_port = std::nullopt)
        : Rig({made(upstream_port)}) {
        leave_snapshot(snapshot);
        cluster().serve_stale(server::read_stale_snapshot(snapshot, kClusterOptions, {}, lines));
    }
    static server::ServerBlock made(std::optional<std::uint16_t> upstream_port) {
        auto block = cluster_block({"cluster.local"}, upstream_port);
        block.kubernetes->options.ttl = 30;
        return block;
    }
    Cluster& cluster() { return *routing().clusters.front(); }

    Octets ask_edns(const std::string& qname) {
        return ask(make_query({.name = qname, .edns = true}));
    }
    using Rig::ask;

    support::ScratchFolder folder;
    SnapshotOptions snapshot = snapshot_in(folder, kClusterOptions);
    LevelLines lines;
};

}  // namespace

TEST_CASE("a snapshot of an earlier run is read, marked as stale, and announced") {
    const support::ScratchFolder folder;
    const auto snapshot = snapshot_in(folder, kClusterOptions);
    leave_snapshot(snapshot, 1h);
    LevelLines lines;
    const zones::HashKey another{1, 2};
    const auto stale = server::read_stale_snapshot(snapshot, kClusterOptions, another, lines);
    REQUIRE(stale);
    CHECK(stale->stale);
    CHECK(stale->synced);
    CHECK(stale->serial >=
          static_cast<std::uint32_t>((now() - 1h - 60s).time_since_epoch().count()));
    CHECK(stale->serial <= static_cast<std::uint32_t>((now() - 1h).time_since_epoch().count()));
    CHECK(stale->namespace_exposed("prod"));
    REQUIRE(stale->find_service("\2db\4prod") != nullptr);
    CHECK(stale->find_service("\2db\4prod")->addresses().v4.size() == 2);
    REQUIRE(lines.all().size() == 1);
    CHECK(lines.all().front().starts_with("I snapshot " + snapshot.file.string() + " of 20"));
    CHECK(lines.with("(5 objects) is served until the Kubernetes API answers") == 1);
}

TEST_CASE("a snapshot that must not be used is ignored with the reason") {
    const support::ScratchFolder folder;
    auto snapshot = snapshot_in(folder, kClusterOptions);
    LevelLines lines;
    CHECK_FALSE(server::read_stale_snapshot(snapshot, kClusterOptions, {}, lines));
    CHECK(lines.with("I snapshot " + snapshot.file.string() + ": there is none yet") == 1);

    leave_snapshot(snapshot, 25h);
    CHECK_FALSE(server::read_stale_snapshot(snapshot, kClusterOptions, {}, lines));
    CHECK(lines.with("W snapshot " + snapshot.file.string() + " is ignored: written at ") == 1);
    snapshot.max_age = 26h;
    CHECK(server::read_stale_snapshot(snapshot, kClusterOptions, {}, lines));

    snapshot.filters += " labels 'a=b'";
    CHECK_FALSE(server::read_stale_snapshot(snapshot, kClusterOptions, {}, lines));
    CHECK(lines.with("written with other options") == 1);

    folder.write("snapshot", "keryx-snapshot 1 octets=0 sha256=\n");
    CHECK_FALSE(server::read_stale_snapshot(snapshot, kClusterOptions, {}, lines));
    CHECK(lines.with("is ignored: damaged") == 1);
    CHECK(lines.all().size() == 5);
}

TEST_CASE("what decides about a snapshot's objects is part of its filters") {
    std::vector<std::string> all = {server::snapshot_filters(kClusterOptions, "", ""),
                                    server::snapshot_filters(kClusterOptions, "a=b", ""),
                                    server::snapshot_filters(kClusterOptions, "", "a=b")};
    const auto add = [&](auto change) {
        auto options = kClusterOptions;
        change(options);
        all.push_back(server::snapshot_filters(options, "", ""));
    };
    add([](auto& o) { o.namespaces = {"a", "b"}; });
    add([](auto& o) { o.namespaces = {"ab"}; });
    add([](auto& o) { o.pods = zones::PodMode::Verified; });
    add([](auto& o) { o.no_endpoints = true; });
    add([](auto& o) { o.endpoint_pod_names = true; });
    std::sort(all.begin(), all.end());
    CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());

    auto one = kClusterOptions, other = kClusterOptions;
    one.namespaces = {"a", "b"};
    other.namespaces = {"b", "a"};
    other.ttl = 77;
    other.pods = zones::PodMode::Insecure;
    CHECK(server::snapshot_filters(one, "", "") == server::snapshot_filters(other, "", ""));
    CHECK(server::snapshot_filters(kClusterOptions, "a\nb", "").find('\n') == std::string::npos);
}

TEST_CASE("a cluster is ready once it is synced, or serves what is stale") {
    Cluster plain(kClusterOptions, {}, {});
    CHECK_FALSE(plain.ready());
    plain.apply(std::vector<Change>{namespace_object()});
    plain.serve_stale(nullptr);
    CHECK_FALSE(plain.ready());
    CHECK(find(plain, "\3web\4prod") == nullptr);
    plain.synced();
    CHECK(plain.ready());

    ColdRig rig;
    CHECK(rig.cluster().ready());
    rig.cluster().synced();
    CHECK(rig.cluster().ready());
}

TEST_CASE("the live state takes the stale one's place at once, and as a whole") {
    ColdRig rig;
    server::Published<zones::Snapshot>::Reader reader(rig.cluster().published());
    rig.cluster().apply(std::vector<Change>{namespace_object()});
    rig.cluster().apply(std::vector<Change>{cluster_ip("prod", "web", "10.0.0.7")});
    CHECK_FALSE(reader.refresh());  // nothing of it is seen
    CHECK(find(rig.cluster(), "\2db\4prod") != nullptr);
    rig.cluster().apply(std::vector<Change>{cluster_ip("prod", "new", "10.0.0.8")});
    rig.cluster().synced();
    CHECK(reader.refresh());
    CHECK_FALSE(reader.current().stale);
    CHECK(reader.current().synced);
    CHECK(find(rig.cluster(), "\2db\4prod") == nullptr);
    CHECK(find(rig.cluster(), "\3new\4prod") != nullptr);
    CHECK_FALSE(reader.refresh());  // in one publication

    rig.cluster().apply(std::vector<Change>{cluster_ip("prod", "api", "10.0.0.9")});
    CHECK(reader.refresh());
    rig.cluster().serve_stale(
        server::read_stale_snapshot(rig.snapshot, kClusterOptions, {}, rig.lines));  // too late
    CHECK_FALSE(reader.refresh());
}

TEST_CASE("stale answers: TTL 5 and the reason, until the API server has been listed") {
    ColdRig rig;
    const Octets wire = rig.ask_edns("web.prod.svc.cluster.local");
    const Reply reply = read_reply(wire);
    CHECK(verdict_of(reply) == "NOERROR qr aa rd");
    CHECK(reply.answer == Texts{"web.prod.svc.cluster.local. 5 IN A 10.0.0.1"});
    CHECK(read_reply(wire).why == "3" + kStaleText);

    const Octets denial = rig.ask_edns("no.prod.svc.cluster.local");
    CHECK(verdict_of(read_reply(denial)) == "NXDOMAIN qr aa rd");
    REQUIRE(read_reply(denial).authority.size() == 1);
    CHECK(read_reply(denial).authority.front().starts_with("cluster.local. 5 IN SOA "));
    CHECK(read_reply(denial).authority.front().ends_with(" 7200 1800 86400 5"));
    CHECK(read_reply(denial).why == "19" + kStaleText);
    CHECK_FALSE(rig.ask({.name = "web.prod.svc.cluster.local"}).edns);

    rig.cluster().apply(std::vector<Change>{cluster_ip("prod", "web", "10.0.0.7")});
    CHECK(read_reply(rig.ask_edns("web.prod.svc.cluster.local")).answer == reply.answer);
    rig.apply({});  // the namespace, and synced
    const Octets live = rig.ask_edns("web.prod.svc.cluster.local");
    CHECK(read_reply(live).answer == Texts{"web.prod.svc.cluster.local. 30 IN A 10.0.0.7"});
    CHECK(read_reply(live).why == "");
}

TEST_CASE("a stale alias keeps its reason on its way through an upstream") {
    FakeUpstream upstream(answer_with_address);
    ColdRig rig(upstream.port());
    rig.serve(upstream);
    const Octets wire = rig.ask_edns("ext.prod.svc.cluster.local");
    CHECK(read_reply(wire).answer ==
          Texts{"ext.prod.svc.cluster.local. 5 IN CNAME www.example.org.",
                "www.example.org. 60 IN A 192.0.2.1"});
    CHECK(read_reply(wire).why == "3" + kStaleText);
    CHECK(read_reply(rig.ask_edns("www.example.org")).why == "");

    upstream.set_script([](FakeUpstream&, const support::Received&) {});
    const Octets failed = rig.ask_edns("ext.prod.svc.cluster.local");
    CHECK(read_reply(failed).rcode == "SERVFAIL");
    CHECK(read_reply(failed).extended_error == zones::extended_error::kNoReachableAuthority);
}

TEST_CASE("without a snapshot and before the first sync: SERVFAIL with the SOA, not ready") {
    Rig rig({cluster_block({"cluster.local"})});
    rig.routing().clusters.front()->apply(std::vector<Change>{namespace_object()});
    const Octets wire = rig.ask(make_query({.name = "web.prod.svc.cluster.local", .edns = true}));
    CHECK(verdict_of(read_reply(wire)) == "SERVFAIL qr aa rd");
    CHECK(read_reply(wire).authority.size() == 1);
    CHECK(read_reply(wire).why == "14 the API server has not been listed yet");
    CHECK(rig.ask({.name = "prod.svc.cluster.local"}).rcode == "NOERROR");
}

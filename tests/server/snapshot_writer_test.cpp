#include "server/snapshot_writer.h"

#include <atomic>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "k8s_client/snapshot_file.h"
#include "tests/server/snapshot_fixture.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Cluster;
using server::SnapshotOptions;
using server::SnapshotWriter;
using server::WritePace;
using server::WriteSchedule;

namespace {

constexpr WritePace kFast{0ms, 0ms, 1h, 1ms};
constexpr WritePace kNever{24h, 24h, 24h, 1ms};  // but at the end

struct Fixture {
    Cluster cluster{kClusterOptions, {}, {}};
    support::ScratchFolder folder;
    SnapshotOptions options = snapshot_in(folder, kClusterOptions);
    LevelLines lines;

    void add(const std::string& service, const std::string& ip = "10.0.0.1") {
        cluster.apply(std::vector<Change>{namespace_object(), cluster_ip("prod", service, ip)});
    }
    std::string file() const {
        std::ifstream in(options.file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    bool has(const std::string& service) const {
        return file().find("\"name\":\"" + service + "\"") != std::string::npos;
    }
    bool alone() const {
        return std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1;
    }
};

}  // namespace

TEST_CASE("schedule: first after a while, then not often, and only what changed") {
    const WritePace pace{5s, 30s, 1h, 1s};
    WriteSchedule schedule(pace);
    const WriteSchedule::Time start{};
    const std::chrono::sys_seconds of{1000h};
    CHECK_FALSE(schedule.due(1, of, start));
    CHECK_FALSE(schedule.due(2, of, start + 4999ms));
    CHECK(schedule.due(3, of, start + 5s));
    schedule.wrote(3, of, start + 6s);
    CHECK_FALSE(schedule.due(3, of, start + 50s));
    CHECK_FALSE(schedule.changed(3));
    CHECK(schedule.changed(4));
    CHECK_FALSE(schedule.due(4, of, start + 35s));
    CHECK(schedule.due(4, of, start + 36s));
    schedule.failed(start + 36s);
    CHECK(schedule.changed(4));
    CHECK_FALSE(schedule.due(4, of, start + 65s));
    CHECK(schedule.due(4, of, start + 66s));
}

TEST_CASE("schedule: an unchanged file is written anew before it is old, if it is still true") {
    WriteSchedule schedule({5s, 30s, 1h, 1s});
    const WriteSchedule::Time start{};
    const std::chrono::sys_seconds of{1000h};
    schedule.due(1, of, start);
    schedule.wrote(1, of, start + 5s);
    CHECK_FALSE(schedule.due(1, of + 59min, start + 59min));
    CHECK(schedule.due(1, of + 60min, start + 60min));
    CHECK_FALSE(schedule.due(1, of + 1min, start + 72h));  // the API server is away since then
}

TEST_CASE("schedule: when the clock is set back, a file of the future is written anew") {
    WriteSchedule schedule({5s, 30s, 1h, 1s});
    const WriteSchedule::Time start{};
    const std::chrono::sys_seconds of{1000h};
    schedule.due(1, of, start);
    schedule.wrote(1, of, start + 5s);
    CHECK_FALSE(schedule.due(1, of - 59s, start + 60s));  // clocks are slewed a little
    CHECK_FALSE(schedule.due(1, of - 1h, start + 34s));
    CHECK(schedule.due(1, of - 1h, start + 35s));
    schedule.wrote(1, of - 1h, start + 35s);
    CHECK_FALSE(schedule.due(1, of - 1h, start + 70s));
}

TEST_CASE("what is synced is written, and written again when it has changed") {
    Fixture f;
    f.add("web");
    f.cluster.synced();
    const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now, kFast);
    CHECK(eventually([&] { return f.has("web"); }));
    f.add("api");
    CHECK(eventually([&] { return f.has("api"); }));
    CHECK(f.lines.all().empty());
}

TEST_CASE("what is written is a snapshot to start from") {
    Fixture f;
    f.add("web", "10.0.0.7");
    f.cluster.synced();
    { const SnapshotWriter writer(f.options, f.cluster, f.lines); }
    Cluster next(kClusterOptions, {}, {});
    next.serve_stale(server::read_stale_snapshot(f.options, kClusterOptions, {}, f.lines));
    CHECK(f.alone());
    REQUIRE(find(next, "\3web\4prod") != nullptr);
    CHECK(find(next, "\3web\4prod")->visible);
}

TEST_CASE("nothing is written that is not synced, or stale") {
    Fixture f;
    f.add("web");
    {
        const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now,
                                    kFast);
    }
    CHECK(f.file().empty());

    f.cluster.synced();
    { const SnapshotWriter writer(f.options, f.cluster, f.lines); }
    const std::string before = f.file();
    REQUIRE_FALSE(before.empty());
    Cluster next(kClusterOptions, {}, {});
    next.serve_stale(server::read_stale_snapshot(f.options, kClusterOptions, {}, f.lines));
    std::atomic<int> looks{0};
    {
        const SnapshotWriter writer(
            f.options, next, f.lines,
            [&] {
                ++looks;
                return SnapshotWriter::always_now() + 2h;
            },
            kFast);
        next.apply(std::vector<Change>{cluster_ip("prod", "half", "10.0.0.9")});
    }
    CHECK(looks == 0);
    CHECK(f.file() == before);
}

TEST_CASE("at the end what changed is written, what did not is not") {
    Fixture f;
    f.add("web");
    f.cluster.synced();
    {
        const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now,
                                    kNever);
    }
    CHECK(f.has("web"));
    {
        const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now,
                                    {0ms, 24h, 24h, 1ms});
        REQUIRE(eventually([&] { return f.has("web"); }));
        f.add("api");
    }
    CHECK(f.has("api"));
    {
        WritePace pace = kFast;
        pace.interval = 24h;
        std::filesystem::remove(f.options.file);
        const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now,
                                    pace);
        REQUIRE(eventually([&] { return f.has("api"); }));
        std::filesystem::remove(f.options.file);
        f.add("api");  // as it was
    }
    CHECK(f.file().empty());
}

TEST_CASE("a file stays young though nothing changes, as long as it is known to be true") {
    Fixture f;
    f.add("web");
    f.cluster.synced();
    f.options.max_age = 4h;
    std::atomic<std::int64_t> known{1'795'398'177};
    const SnapshotWriter writer(
        f.options, f.cluster, f.lines,
        [&] { return std::chrono::sys_seconds(std::chrono::seconds(known.load())); }, kFast);
    CHECK(eventually(
        [&] { return f.file().find("written=2026-11-23T01:42:57Z") != std::string::npos; }));
    known += 3600;
    CHECK(eventually(
        [&] { return f.file().find("written=2026-11-23T02:42:57Z") != std::string::npos; }));
}

TEST_CASE("a folder that cannot be written to: one warning for each reason, and what to do") {
    Fixture f;
    f.add("web");
    f.cluster.synced();
    const auto folder = f.folder.path() / "missing";
    f.options.file = folder / "snapshot";
    const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now, kFast);
    const std::string warning = "W cannot write snapshot " + f.options.file.string() +
                                ": No such file or directory; mount an emptyDir or a hostPath at " +
                                folder.string();
    CHECK(eventually([&] { return f.lines.with(warning) == 1; }));
    f.folder.write("missing", "a file");
    CHECK(eventually([&] { return f.lines.with(": Not a directory; mount") == 1; }));
    std::filesystem::remove(folder);
    std::filesystem::create_directory(folder);
    CHECK(eventually([&] { return f.lines.with("is written again") == 1; }));
    CHECK(f.has("web"));
    CHECK(f.lines.with("W cannot") <= 3);  // between file and folder there is nothing, once more
    CHECK(f.lines.with("I snapshot") == 1);
}

TEST_CASE("what a crash left beside the file is cleared away") {
    Fixture f;
    f.folder.write(".snapshot.a1B2c3", "half of it");
    f.add("web");
    f.cluster.synced();
    const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now, kFast);
    CHECK(eventually([&] { return f.has("web") && f.alone(); }));
}

TEST_CASE("the end does not wait for a tick") {
    Fixture f;
    const auto started = std::chrono::steady_clock::now();
    {
        const SnapshotWriter writer(f.options, f.cluster, f.lines, SnapshotWriter::always_now,
                                    {24h, 24h, 24h, 24h});
    }
    CHECK(std::chrono::steady_clock::now() - started < 5s);
}

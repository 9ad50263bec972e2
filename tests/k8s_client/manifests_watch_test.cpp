#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/manifests.h"
#include "tests/k8s_client/manifest_pods.h"
#include "tests/k8s_client/recording_sink.h"
#include "tests/support/sanitizer.h"
#include "tests/support/scratch_folder.h"

using namespace k8s_client;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Strings = std::vector<std::string>;
using namespace std::chrono_literals;

namespace {

/// A folder as the kubelet mounts a ConfigMap: names -> ..data -> a folder with the files.
class ConfigMapMount {
  public:
    ConfigMapMount(const fs::path& folder, const std::string& text) : folder_(folder) {
        fs::create_directory(folder);
        swap(text);
        fs::create_symlink("..data/objects.yaml", folder / "objects.yaml");
    }

    void swap(const std::string& text) {
        const fs::path old =
            fs::exists(folder_ / "..data") ? fs::read_symlink(folder_ / "..data") : "";
        const std::string name = "..2024_" + std::to_string(++version_);
        fs::create_directory(folder_ / name);
        std::ofstream(folder_ / name / "objects.yaml") << text;
        fs::create_symlink(name, folder_ / "..data_tmp");
        fs::rename(folder_ / "..data_tmp", folder_ / "..data");
        if (!old.empty()) {
            fs::remove_all(folder_ / old);
        }
    }

  private:
    fs::path folder_;
    int version_ = 0;
};

}  // namespace

TEST_CASE("a written file is read again, and only differences are told, in one batch") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a") + pod("b") + pod("c"));
    folder.write("z.yaml", pod("z"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    folder.write("a.yaml", pod("a") + pod("b", "10.0.0.9") + pod("d"));
    REQUIRE(sink.wait_batches(2));
    const auto batch = sink.batches().at(1);
    REQUIRE(batch.size() == 3);
    CHECK(full_name_of(batch[0].object) == "Pod default/b");
    CHECK(full_name_of(batch[1].object) == "Pod default/d");
    CHECK(full_name_of(batch[2].object) == "Pod default/c");
    CHECK(batch[2].type == Change::Type::Deleted);
    CHECK(ip_of(sink, "b") == "10.0.0.9");
    CHECK(sink.synced_count() == 1);
}

TEST_CASE("nothing is told if nothing changed") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    folder.write("a.yaml", "# a comment\n" + pod("a"));
    fs::last_write_time(folder / "a.yaml", fs::file_time_type::clock::now() - 1h);
    folder.write("b.yaml", pod("b"));
    REQUIRE(sink.wait_object("Pod default/b"));
    for (const auto& batch : sink.batches()) {
        CHECK_FALSE(batch.empty());
    }
    CHECK(sink.batches().size() == 2);
    CHECK(sink.batches().at(1).size() == 1);
}

TEST_CASE("files that come, go and are renamed") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    folder.write("tmp", pod("b"));
    fs::rename(folder / "tmp", folder / "b.yaml");
    CHECK(sink.wait_object("Pod default/b"));
    fs::create_hard_link(folder / "b.yaml", folder / "c.yaml");
    CHECK(sink.wait_line("given twice"));
    fs::remove(folder / "c.yaml");
    folder.write("other", pod("s"));
    fs::create_symlink("other", folder / "s.yaml");
    CHECK(sink.wait_object("Pod default/s"));
    fs::rename(folder / "b.yaml", folder / "b.off");
    CHECK(sink.wait_object("Pod default/b", false));
    fs::remove(folder / "a.yaml");
    CHECK(sink.wait_object("Pod default/a", false));
    CHECK(sink.names() == Strings{"Namespace default", "Pod default/s"});
    CHECK_FALSE(sink.deleted_unknown());
}

TEST_CASE("a file that no longer parses keeps its last good state") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    folder.write("a.yaml", pod("half") + "x: [\n");
    CHECK(sink.wait_line("; its last good state stays"));
    folder.write("b.yaml", pod("b"));
    CHECK(sink.wait_object("Pod default/b"));
    CHECK(sink.lines_with("its last good state stays") == 1);
    CHECK(sink.names() == Strings{"Namespace default", "Pod default/a", "Pod default/b"});
    folder.write("a.yaml", pod("c"));
    CHECK(sink.wait_object("Pod default/c"));
    CHECK(sink.wait_object("Pod default/a", false));
}

TEST_CASE("a file that is being written is not read until it is closed") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    std::ofstream writer(folder / "a.yaml", std::ios::trunc);
    writer << "apiVersion: v1\nkind: Pod\nmeta" << std::flush;
    std::ofstream fresh(folder / "c.yaml");
    fresh << "x: [" << std::flush;
    folder.write("b.yaml", pod("b"));  // makes it look around
    REQUIRE(sink.wait_object("Pod default/b"));
    CHECK(sink.names() == Strings{"Namespace default", "Pod default/a", "Pod default/b"});
    writer << "data: {name: c}\n";
    writer.close();
    CHECK(sink.wait_object("Pod default/c"));
    fresh << "]";
    fresh.close();
    CHECK(sink.wait_line("of 3 files"));
    CHECK(sink.lines_with("E ") == 0);
}

TEST_CASE("an emptied file is believed, after a moment") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    folder.write("b.yaml", pod("b"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    folder.write("a.yaml", "");
    CHECK(sink.wait_object("Pod default/a", false));
    CHECK(sink.names() == Strings{"Namespace default", "Pod default/b"});
}

TEST_CASE("the swap of a mounted ConfigMap") {
    const support::ScratchFolder folder;
    ConfigMapMount mount(folder / "mount", pod("a") + pod("b"));
    RecordingSink of_folder;
    RecordingSink of_file;
    const ManifestSource first(options_for({folder / "mount"}), of_folder, of_folder);
    const ManifestSource second(options_for({folder / "mount/objects.yaml"}), of_file, of_file);
    for (int i = 2; i < 6; ++i) {
        const std::string ip = "10.0.0." + std::to_string(i);
        const auto batches = static_cast<std::size_t>(i);
        mount.swap(pod("a", ip) + pod("b"));
        for (RecordingSink* sink : {&of_folder, &of_file}) {
            REQUIRE(sink->wait_batches(batches));
            CHECK(ip_of(*sink, "a") == ip);
            REQUIRE(sink->batches().size() == batches);
            CHECK(sink->batches().back().size() == 1);
            CHECK(sink->lines_with("E ") + sink->lines_with("W ") == 0);
        }
    }
}

TEST_CASE("a file's folder is watched for that file only") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder / "a.yaml"}), sink, sink);
    folder.write("b.yaml", pod("b"));
    folder.write("tmp", pod("a", "10.0.0.2"));
    fs::rename(folder / "tmp", folder / "a.yaml");
    REQUIRE(sink.wait_batches(2));
    CHECK(ip_of(sink, "a") == "10.0.0.2");
    CHECK(sink.names().size() == 2);
    fs::remove(folder / "a.yaml");
    CHECK(sink.wait_line("is gone: its objects stay"));
    CHECK(sink.names().size() == 2);
    folder.write("a.yaml", pod("c"));
    CHECK(sink.wait_object("Pod default/c"));
}

TEST_CASE("a folder that is removed and made again") {
    const support::ScratchFolder folder;
    fs::create_directory(folder / "m");
    folder.write("m/a.yaml", pod("a"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder / "m"}), sink, sink);
    for (int i = 2; i < 5; ++i) {
        fs::rename(folder / "m", folder / ("old" + std::to_string(i)));
        CHECK(sink.wait_line("is gone"));
        CHECK(sink.names() == Strings{"Namespace default", "Pod default/a"});
        const std::string ip = "10.0.0." + std::to_string(i);
        fs::create_directory(folder / "m");
        folder.write("m/a.yaml", pod("a", ip));
        const auto deadline = Clock::now() + 5s;
        while (ip_of(sink, "a") != ip && Clock::now() < deadline) {
            std::this_thread::yield();
        }
        CHECK(ip_of(sink, "a") == ip);
        // The new folder is watched, and the old one no longer.
        folder.write("old" + std::to_string(i) + "/x.yaml", pod("x"));
        folder.write("m/b.yaml", pod("b", ip));
        CHECK(sink.wait_object("Pod default/b"));
        fs::remove(folder / "m/b.yaml");
        CHECK(sink.wait_object("Pod default/b", false));
    }
    CHECK(sink.lines_with("Pod default/x") == 0);
    fs::remove_all(folder / "m");
    fs::create_directory(folder / "m");
    folder.write("m/z.yaml", pod("z"));
    CHECK(sink.wait_object("Pod default/z"));
}

TEST_CASE("a symlink to a folder may be turned to another") {
    const support::ScratchFolder folder;
    fs::create_directory(folder / "1");
    fs::create_directory(folder / "2");
    folder.write("1/a.yaml", pod("a"));
    folder.write("2/b.yaml", pod("b"));
    fs::create_directory_symlink("1", folder / "current");
    RecordingSink sink;
    const ManifestSource source(options_for({folder / "current"}), sink, sink);
    fs::create_directory_symlink("2", folder / "next");
    fs::rename(folder / "next", folder / "current");
    CHECK(sink.wait_object("Pod default/b"));
    CHECK(sink.wait_object("Pod default/a", false));
    folder.write("2/c.yaml", pod("c"));
    CHECK(sink.wait_object("Pod default/c"));
}

TEST_CASE("a change of 200 KB is told within its time") {
    const support::ScratchFolder folder;
    const auto objects = [](int version) {
        std::string text;
        for (int i = 0; text.size() < 200'000; ++i) {
            text += pod("pod-" + std::to_string(i), "10.0." + std::to_string(version) + ".1");
        }
        return text;
    };
    folder.write("a.yaml", objects(0));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    auto best = Clock::duration::max();
    for (int version = 1; version <= 5; ++version) {
        folder.write("a.yaml", objects(version));
        const auto written = Clock::now();
        REQUIRE(sink.wait_batches(static_cast<std::size_t>(version) + 1));
        best = std::min(best, sink.last_apply() - written);
    }
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(best).count();
    MESSAGE("200 KB of YAML: " << ms << " ms from close to apply");
    // Wide, for sanitizers and valgrind on a busy machine; a release build takes about 40 ms.
    CHECK(ms < 5000);
}

TEST_CASE("the destructor stops at once, also in the middle of a file") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    RecordingSink sink;
    auto source = std::make_unique<ManifestSource>(options_for({folder.path()}), sink, sink);
    const auto idle = Clock::now();
    source.reset();
    CHECK(Clock::now() - idle < 500ms);

    source = std::make_unique<ManifestSource>(options_for({folder.path()}), sink, sink);
    std::string large;
    while (large.size() < 20'000'000) {
        large += "- {a: b, c: [d, e], f: {g: h}}\n";
    }
    folder.write("tmp", large);
    fs::rename(folder / "tmp", folder / "large.yaml");
    std::this_thread::sleep_for(50ms);  // long enough to be in the middle of it
    const auto busy = Clock::now();
    source.reset();
    CHECK(Clock::now() - busy < (support::kSanitized ? 10s : 1s));  // it takes some 20 ms without
}

TEST_CASE("many writes, one after the other: the last state is the one that stays") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    folder.write("keep.yaml", pod("keep"));
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    for (int i = 0; i < 300; ++i) {
        folder.write("a.yaml", pod("a", "10.0.1." + std::to_string(i % 200)));
        folder.write("b" + std::to_string(i % 7) + ".yaml", pod("b" + std::to_string(i % 7)));
        if (i % 3 == 0) {
            fs::remove(folder / ("b" + std::to_string(i % 7) + ".yaml"));
        }
    }
    folder.write("a.yaml", pod("a", "10.9.9.9"));
    folder.write("end.yaml", pod("end"));
    CHECK(sink.wait_object("Pod default/end"));
    const auto deadline = Clock::now() + 5s;
    while (ip_of(sink, "a") != "10.9.9.9" && Clock::now() < deadline) {
        std::this_thread::yield();
    }
    CHECK(ip_of(sink, "a") == "10.9.9.9");
    CHECK_FALSE(sink.deleted_unknown());
    CHECK(sink.lines_with("E ") == 0);
    for (const auto& batch : sink.batches()) {
        for (const Change& change : batch) {
            const bool deletes = change.type == Change::Type::Deleted;
            CHECK_FALSE((deletes && meta_of(change.object).name == "keep"));
            CHECK_FALSE((deletes && meta_of(change.object).name == "a"));
        }
    }
}

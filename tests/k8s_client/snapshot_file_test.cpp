#include "k8s_client/snapshot_file.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <random>
#include <sys/resource.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "k8s_client/snapshot_format.h"
#include "tests/support/scratch_folder.h"

using namespace k8s_client;
using namespace std::chrono_literals;
using Objects = std::vector<Object>;

namespace {

constexpr std::chrono::sys_seconds kNow{1'795'398'177s};
const std::string kFilters = "labels '' namespaces 'prod'";

Service web_service(const std::string& name) {
    Service made;
    made.meta.ns = "prod";
    made.meta.name = name;
    made.cluster_ips = {"10.0.0.1"};
    made.ports = {{"http", "TCP", 80}};
    return made;
}

Objects some_objects(int count = 20) {
    Namespace ns;
    ns.meta.name = "prod";
    Objects objects{ns};
    for (int i = 0; i < count; ++i) {
        objects.emplace_back(web_service("web-" + std::to_string(i)));
    }
    return objects;
}

tl::expected<void, std::string> write(const std::filesystem::path& file, const Objects& objects,
                                      const SnapshotStamp& stamp = {kNow, kFilters}) {
    return write_snapshot_file(file, stamp, [&](const auto& put) {
        for (const Object& object : objects) {
            put(object);
        }
    });
}

struct Outcome {
    Objects objects;
    std::string why;  // "" if the file was taken
    bool missing = false;
};

Outcome read(const std::filesystem::path& file,
             const SnapshotDemand& demand = {kFilters, kNow, 24h}) {
    Outcome outcome;
    const auto written = read_snapshot_file(
        file, demand, [&](Object object) { outcome.objects.push_back(std::move(object)); });
    if (!written) {
        outcome.why = written.error().why;
        outcome.missing = written.error().missing;
        CHECK(outcome.why != "");
        CHECK(outcome.why.find('\n') == std::string::npos);
    }
    return outcome;
}

std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t files_in(const support::ScratchFolder& folder) {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

/// With a first line that is right for `content`: what only a writer of bad will would make.
std::string with_header(const std::string& content) {
    Sha256 sum;
    sum.add(content);
    return snapshot_header(content.size(), sum.digest()) + content;
}

std::string forged(const std::string& list) {
    return with_header("written=" + to_string(kNow) + "\nfilters=" + kFilters + "\n" + list);
}

}  // namespace

TEST_CASE("snapshot file: what was written is read, in its order") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    for (const int count : {0, 1, 20, 2000}) {
        REQUIRE(write(file, some_objects(count)));
        const auto outcome = read(file);
        CHECK(outcome.why == "");
        CHECK(outcome.objects == some_objects(count));
    }
    REQUIRE(write(file, {}));
    CHECK(read(file).why == "");
    CHECK(read(file).objects.empty());
    CHECK(files_in(folder) == 1);
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("snapshot file: a person can read it") {
    const support::ScratchFolder folder;
    REQUIRE(write(folder / "snapshot", some_objects(1)));
    const std::string text = text_of(folder / "snapshot");
    const std::string content = text.substr(text.find('\n') + 1);
    CHECK(text.starts_with("keryx-snapshot 1 octets=00000000000000000"));
    CHECK(content ==
          "written=2026-11-23T01:42:57Z\nfilters=" + kFilters +
              "\n{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n"
              R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"prod"}},)"
              "\n"
              R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web-0",)"
              R"("namespace":"prod"},"spec":{"type":"ClusterIP","clusterIPs":["10.0.0.1"],)"
              R"("ports":[{"name":"http","protocol":"TCP","port":80}]}})"
              "\n]}\n");
    CHECK(text == with_header(content));
}

TEST_CASE("snapshot file: too old, of the future, of other options") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    REQUIRE(write(file, some_objects()));
    const auto why = [&](const std::string& filters, std::chrono::seconds later) {
        const Outcome outcome = read(file, {filters, kNow + later, 24h});
        CHECK(outcome.objects.empty() == (outcome.why != ""));
        return outcome.why;
    };
    CHECK(why(kFilters, 24h) == "");
    CHECK(why(kFilters, 24h + 1s) ==
          "written at 2026-11-23T01:42:57Z, which is 24.0 h ago; snapshot_max_age is 24.0 h");
    CHECK(why(kFilters, -5min) == "");
    CHECK(why(kFilters, -5min - 1s) == "written at 2026-11-23T01:42:57Z, which is in the future");
    CHECK(why("labels 'a=b'", 0s) == "written with other options (" + kFilters + ")");
}

TEST_CASE("snapshot file: no file, no reading, not a file") {
    const support::ScratchFolder folder;
    CHECK(read(folder / "none").missing);
    CHECK(read(folder / "none").why == "No such file or directory");
    CHECK(read(folder.path()).why == "not a file");
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK(read(folder / "pipe").why == "not a file");
    folder.write("a", "");
    CHECK_FALSE(read(folder / "a" / "b").missing);
    CHECK(read(folder / "a").why == "not a snapshot of Keryx");
}

TEST_CASE("snapshot file: another format or version") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    REQUIRE(write(file, some_objects()));
    std::string text = text_of(file);
    text[15] = '2';
    folder.write("snapshot", text);
    CHECK(read(file).why == "of format version '2'; this Keryx reads version 1");
    for (const char* other : {"\n", "keryx", "keryx-snapshot 1", "{\"kind\":\"List\"}\n",
                              "\x7f"
                              "ELF\n"}) {
        CAPTURE(other);
        folder.write("snapshot", other);
        CHECK(read(file).why == "not a snapshot of Keryx");
    }
}

TEST_CASE("snapshot file: cut anywhere, nothing of it is used") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    REQUIRE(write(file, some_objects(2000)));
    const std::string text = text_of(file);
    REQUIRE(text.size() > 3 * kSnapshotBuffer);
    std::vector<std::size_t> lengths = {kSnapshotBuffer - 1, kSnapshotBuffer, kSnapshotBuffer + 1,
                                        text.size() / 2,     text.size() - 2, text.size() - 1};
    for (std::size_t length = 0; length < 300; ++length) {
        lengths.push_back(length);
    }
    for (const std::size_t length : lengths) {
        CAPTURE(length);
        folder.write("snapshot", text.substr(0, length));
        const Outcome outcome = read(file);
        CHECK(outcome.why != "");
        CHECK(outcome.objects.empty());
    }
    folder.write("snapshot", text + " ");
    CHECK(read(file).why == "damaged: its size or checksum is not what its first line says");
}

TEST_CASE("snapshot file: any flipped bit is seen") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    REQUIRE(write(file, some_objects(3)));
    const std::string text = text_of(file);
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string damaged = text;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
        CAPTURE(at);
        folder.write("snapshot", damaged);
        const Outcome outcome = read(file);
        CHECK(outcome.why != "");
        CHECK(outcome.objects.empty());
    }
}

TEST_CASE("snapshot file: larger than the limit, it is not read") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    REQUIRE(write(file, some_objects(1)));
    REQUIRE(truncate(file.c_str(), static_cast<off_t>(kMaxSnapshotSize)) == 0);  // a sparse one
    CHECK(read(file).why == "damaged: its size or checksum is not what its first line says");
    REQUIRE(truncate(file.c_str(), static_cast<off_t>(kMaxSnapshotSize) + 1) == 0);
    CHECK(read(file).why == "larger than 256 MiB");
}

TEST_CASE("snapshot file: what is in it is checked like what comes from a network") {
    const support::ScratchFolder folder;
    const auto why = [&](const std::string& list) {
        folder.write("snapshot", forged(list));
        return read(folder / "snapshot").why;
    };
    const std::string list = R"({"apiVersion":"v1","kind":"List","items":[)";
    const std::string good = R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}})";
    REQUIRE(why(list + good + "]}") == "");
    CHECK(why("") == "malformed: not one List");
    CHECK(why(good) == "malformed: not one List");
    CHECK(why("null") == "malformed: not one List");
    CHECK(why(list + "]}" + list + "]}") == "malformed: not one List");
    CHECK(why(list + "]}" + good) == "malformed: more than one document");
    CHECK(why(list + good + ",]}") != "");
    CHECK(why(list + good) != "");
    CHECK(why(list + "7]}") != "");
    CHECK(why(list + R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}]})") ==
          "malformed: it holds a Secret");
    CHECK(why(list + R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"A"}}]})")
              .find("metadata.name: 'A' is not a DNS label") != std::string::npos);
    CHECK(why(list + R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},)"
                     R"("spec":{"clusterIPs":["10.0.0.999"]}}]})")
              .find("not an IP address") != std::string::npos);
    CHECK(why(list + std::string(100'000, '[')) == "malformed: nested too deeply");
    CHECK(why(list + "\"\xff\"]}") != "");
}

TEST_CASE("snapshot file: a preamble that says nothing sensible") {
    const support::ScratchFolder folder;
    const std::string list = R"({"apiVersion":"v1","kind":"List","items":[]})";
    const std::string time = "written=" + to_string(kNow) + "\n";
    for (const std::string& bad :
         {std::string(), list, time, time + "filters=", "filters=" + kFilters + "\n" + time + list,
          "written=2026-13-23T01:42:57Z\nfilters=" + kFilters + "\n" + list,
          "written=2026-11-23\nfilters=" + kFilters + "\n" + list,
          "written= 2026-11-23T01:42:57Z\nfilters=" + kFilters + "\n" + list,
          "written=\nfilters=" + kFilters + "\n" + list}) {
        CAPTURE(bad);
        folder.write("snapshot", with_header(bad));
        CHECK(read(folder / "snapshot").why == "malformed: its time or filters are missing");
    }
    folder.write("snapshot",
                 with_header("written=5369-11-23T01:42:57Z\nfilters=" + kFilters + "\n" + list));
    CHECK(read(folder / "snapshot").why ==
          "written at 5369-11-23T01:42:57Z, which is in the future");
    folder.write("snapshot", with_header(time + "filters=" + kFilters + "\n" + list));
    CHECK(read(folder / "snapshot").why == "");
}

TEST_CASE("snapshot file: random damage under a right checksum never harms") {
    const support::ScratchFolder folder;
    REQUIRE(write(folder / "snapshot", some_objects(5)));
    const std::string text = text_of(folder / "snapshot");
    const std::string content = text.substr(text.find('\n') + 1);
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        std::string damaged = content;
        for (auto changes = 1 + random() % 4; changes > 0; --changes) {
            const std::size_t at = random() % damaged.size();
            switch (random() % 3) {
                case 0:
                    damaged[at] = static_cast<char>(random());
                    break;
                case 1:
                    damaged.erase(at, random() % 20);
                    break;
                default:
                    damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 50));
            }
        }
        folder.write("snapshot", with_header(damaged));
        const Outcome outcome = read(folder / "snapshot");
        CHECK((outcome.why != "" || outcome.objects.size() <= 6 + 4));
    }
}

TEST_CASE("snapshot file: a folder that is not there, or is none") {
    const support::ScratchFolder folder;
    CHECK(write(folder / "no" / "snapshot", {}).error() == "No such file or directory");
    folder.write("file", "x");
    CHECK(write(folder / "file" / "snapshot", {}).error() == "Not a directory");
    std::filesystem::create_directory(folder / "target");
    CHECK_FALSE(write(folder / "target", {}));
    CHECK(files_in(folder) == 2);
}

TEST_CASE("snapshot file: a disk that fills up leaves the old file, and no other") {
    const support::ScratchFolder folder;
    const auto file = folder / "snapshot";
    REQUIRE(write(file, some_objects(3)));
    const std::string before = text_of(file);
    rlimit usual{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &usual) == 0);
    const auto on_limit = std::signal(SIGXFSZ, SIG_IGN);
    for (const rlim_t limit : {rlim_t{0}, rlim_t{50}, rlim_t{200'000}}) {
        const rlimit full{limit, usual.rlim_max};
        REQUIRE(setrlimit(RLIMIT_FSIZE, &full) == 0);
        const auto written = write(file, some_objects(5000));
        REQUIRE(setrlimit(RLIMIT_FSIZE, &usual) == 0);
        CHECK(written.error() == "File too large");
        CHECK(text_of(file) == before);
        CHECK(files_in(folder) == 1);
    }
    (void)std::signal(SIGXFSZ, on_limit);
    CHECK(write(file, some_objects(5)));
    CHECK(read(file).objects == some_objects(5));
}

TEST_CASE("snapshot file: a symbolic link is replaced, not followed") {
    const support::ScratchFolder folder;
    folder.write("other", "precious");
    std::filesystem::create_symlink("other", folder / "snapshot");
    REQUIRE(write(folder / "snapshot", some_objects(1)));
    CHECK(text_of(folder / "other") == "precious");
    CHECK(read(folder / "snapshot").why == "");
}

TEST_CASE("snapshot file: what a crash left is cleared away, and nothing else") {
    const support::ScratchFolder folder;
    for (const char* name : {".snapshot.a1B2c3", ".snapshot.zzzzzz", "snapshot", ".snapshot.abc",
                             ".snapshot.abcdefg", "snapshot.a1B2c3", ".other.a1B2c3"}) {
        folder.write(name, "x");
    }
    remove_unfinished_snapshots(folder / "snapshot");
    CHECK(files_in(folder) == 5);
    CHECK_FALSE(std::filesystem::exists(folder / ".snapshot.a1B2c3"));
    remove_unfinished_snapshots(folder / "no" / "snapshot");
}

#include "k8s_client/manifests.h"

#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/k8s_client/manifest_pods.h"
#include "tests/k8s_client/recording_sink.h"
#include "tests/support/scratch_folder.h"

using namespace k8s_client;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {

std::string refusal(const std::vector<fs::path>& paths, RecordingSink& sink) {
    try {
        const ManifestSource source(options_for(paths), sink, sink);
    } catch (const ManifestError& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a folder gives one batch, then synced; the rest of it is not read") {
    const support::ScratchFolder folder;
    folder.write("b.yaml", pod("b"));
    folder.write("a.yml", pod("a"));
    folder.write("c.json", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}})");
    folder.write(".hidden.yaml", pod("hidden"));
    folder.write("readme.txt", pod("text"));
    fs::create_directory(folder / "sub.yaml");
    folder.write("sub.yaml/d.yaml", pod("d"));
    folder.write("e.yaml",
                 "apiVersion: apps/v1\nkind: Deployment\n---\napiVersion: apps/v1\nkind: "
                 "Deployment\n---\napiVersion: x/v1\nkind: \"A\\nB\"\n");
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    CHECK(sink.names() ==
          Strings{"Namespace default", "Pod default/a", "Pod default/b", "Pod default/c"});
    CHECK(sink.batches().size() == 1);
    CHECK(sink.synced_count() == 1);
    CHECK(sink.last_line() ==
          "I manifests: read 3 objects of 4 files: 3 Pods; passed over 1 A?B, 2 Deployments");
}

TEST_CASE("a given file may have any name; of two files the last in the order of paths counts") {
    const support::ScratchFolder folder;
    folder.write("objects", pod("x", "10.0.0.2"));
    fs::create_directory(folder / "f");
    folder.write("f/2.yaml", pod("x", "10.0.0.4"));
    folder.write("f/1.yaml", pod("x", "10.0.0.3"));
    {
        RecordingSink sink;
        const ManifestSource source(options_for({folder / "objects", folder / "f/"}), sink, sink);
        CHECK(ip_of(sink, "x") == "10.0.0.4");
        CHECK(sink.lines_with("W manifests: Pod default/x is given twice") == 2);
    }
    RecordingSink sink;
    const ManifestSource source(options_for({folder / "f", folder / "objects"}), sink, sink);
    CHECK(ip_of(sink, "x") == "10.0.0.2");
    RecordingSink once;
    const ManifestSource named(options_for({folder / "f/../f/2.yaml", folder / "f"}), once, once);
    CHECK(ip_of(once, "x") == "10.0.0.4");
    CHECK(once.lines_with("given twice") == 1);
}

TEST_CASE("what cannot be read at start is refused") {
    const support::ScratchFolder folder;
    RecordingSink sink;
    CHECK(refusal({folder / "absent"}, sink) ==
          "manifests: " + (folder / "absent").string() + " does not exist");
    CHECK(refusal({folder.path()}, sink).find("there is no *.yaml") != std::string::npos);
    CHECK(refusal({"/dev/null"}, sink).find("neither a file nor a folder") != std::string::npos);
    folder.write("a.yaml", "a: [\n");
    const std::string refused = refusal({folder.path()}, sink);
    CHECK(refused.find("none of 1 file could be read: " + (folder / "a.yaml").string() +
                       ": line ") != std::string::npos);
    folder.write("b.yaml", pod("b"));
    CHECK(refusal({folder.path()}, sink).empty());
    CHECK(refusal({folder.path(), folder / "absent"}, sink).find("does not exist") !=
          std::string::npos);
    CHECK(sink.synced_count() == 1);
}

TEST_CASE("a file that does not parse at start is left out, the others are used") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("half") + "\nb: [1\nc: 2\n");
    folder.write("b.yaml", pod("b"));
    folder.write("c.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: \"Bad\\nName\"}\n");
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    CHECK(sink.names() == Strings{"Namespace default", "Pod default/b"});
    CHECK(sink.lines_with("E manifests: " + (folder / "a.yaml").string() + ": line ") == 1);
    CHECK(sink.lines_with(
              "W manifests: " + (folder / "c.yaml").string() +
              ": skipped document 1: Pod default/Bad?Name: metadata.name: 'Bad?Name' is not") == 1);
    CHECK(sink.refused_object_count() == 1);
    CHECK(sink.refused_file_count() == 1);
}

TEST_CASE("a file full of what is wrong fills neither log nor memory, and is counted") {
    const support::ScratchFolder folder;
    std::string text = pod("a");
    for (int i = 0; i < 1000; ++i) {
        text += "---\napiVersion: v1\nkind: Pod\nmetadata: {name: _" + std::to_string(i) + "}\n" +
                "---\napiVersion: v1\nkind: Kind" + std::to_string(i) + "\n";
    }
    folder.write("a.yaml", text);
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    CHECK(sink.names() == Strings{"Namespace default", "Pod default/a"});
    CHECK(sink.lines_with("a.yaml: skipped document") == 100);
    CHECK(sink.lines_with("a.yaml: skipped 900 more") == 1);
    CHECK(sink.refused_object_count() == 1000);
    CHECK(sink.last_line().size() <= 2100);
}

TEST_CASE("a huge file is refused by its size") {
    const support::ScratchFolder folder;
    folder.write("a.yaml", pod("a"));
    folder.write("b.yaml", "");
    fs::resize_file(folder / "b.yaml", (std::uintmax_t{64} << 20) + 1);
    RecordingSink sink;
    const ManifestSource source(options_for({folder.path()}), sink, sink);
    CHECK(sink.lines_with("b.yaml: larger than the limit of 64 MiB") == 1);
    CHECK(sink.refused_file_count() == 1);
    CHECK(sink.names().size() == 2);
}

TEST_CASE("selectors are applied, and a Namespace object need not bear its name as a label") {
    const support::ScratchFolder folder;
    folder.write("a.yaml",
                 "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\n"
                 "apiVersion: v1\nkind: Namespace\nmetadata: {name: m}\n---\n"
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\n---\n" +
                     pod("q"));
    ManifestOptions options = options_for({folder.path()});
    options.labels = LabelSelector::parse("a=b").value();
    options.namespace_labels = LabelSelector::parse("kubernetes.io/metadata.name=n").value();
    RecordingSink sink;
    const ManifestSource source(std::move(options), sink, sink);
    CHECK(sink.names() == Strings{"Namespace n", "Pod default/p"});
}

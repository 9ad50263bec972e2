#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "tests/golden/golden_cluster.h"

using namespace golden;

namespace {

std::vector<std::filesystem::path> case_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(KERYX_GOLDEN_CASES)) {
        if (entry.path().extension() == ".case") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

void run(const std::filesystem::path& path) {
    std::ifstream in(path);
    const CaseFile file = read_case_file(in);
    CHECK_MESSAGE(!file.queries.empty(), path.filename().string(), " asks nothing");
    const GoldenCluster cluster(file);
    for (const auto& query : file.queries) {
        const std::string differs = difference(query.expected, cluster.ask(query));
        CHECK_MESSAGE(differs.empty(), path.filename().string(), ":", query.line, ": ", query.qname,
                      " type ", query.qtype, differs);
    }
}

CaseFile parse(const std::string& text) {
    std::istringstream in(text);
    return read_case_file(in);
}

constexpr const char* kSmall = R"([objects]
{"kind": "List", "apiVersion": "v1", "items": [
  {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b", "namespace": "a"},
   "spec": {"clusterIP": "10.0.0.1"}}]}
[queries]
? b.a.svc.cluster.local. A
)";

/// What the runner has to say about that reply to the query above.
std::string differs(const std::string& expected) {
    const CaseFile file = parse(kSmall + expected);
    return difference(file.queries.at(0).expected, GoldenCluster(file).ask(file.queries.at(0)));
}

}  // namespace

TEST_CASE("golden cases") {
    const auto files = case_files();
    REQUIRE(!files.empty());
    for (const auto& path : files) {
        CAPTURE(path.filename().string());
        CHECK_NOTHROW(run(path));
    }
}

TEST_CASE("a reply that is not the expected one is told") {
    const std::string right = "answer b.a.svc.cluster.local. 5 IN A 10.0.0.1\n";
    CHECK(differs("NOERROR aa\n" + right).empty());
    CHECK(differs("NOERROR aa\nanswer b.a.svc.cluster.local.  5  IN\tA 10.0.0.1\n").empty());
    CHECK_FALSE(differs("NXDOMAIN aa\n" + right).empty());
    CHECK_FALSE(differs("NOERROR\n" + right).empty());
    CHECK_FALSE(differs("NOERROR aa tc\n" + right).empty());
    CHECK_FALSE(differs("NOERROR aa\n").empty());
    CHECK_FALSE(differs("NOERROR aa\n" + right + right).empty());
    CHECK_FALSE(differs("NOERROR aa\nnext example.com.\n" + right).empty());
    CHECK_FALSE(differs("NEXT-PLUGIN\n" + right).empty());
    CHECK_FALSE(differs("NOERROR aa\nanswer B.a.svc.cluster.local. 5 IN A 10.0.0.1\n").empty());
    CHECK_FALSE(differs("NOERROR aa\nanswer b.a.svc.cluster.local. 6 IN A 10.0.0.1\n").empty());
    CHECK_FALSE(differs("NOERROR aa\n" + right + "additional a. 5 IN A 1.2.3.4\n").empty());
    CHECK_FALSE(differs("NOERROR aa\nauthority b.a.svc.cluster.local. 5 IN A 10.0.0.1\n").empty());
}

TEST_CASE("a case that is wrong is not passed over") {
    for (const std::string text :
         {"text\n", "[nope]\n", "[queries]\nNOERROR\n", "[queries]\n? a.\n",
          "[queries]\n? a. NOPE\nNOERROR\n", "[queries]\n? a. A\n",
          "[queries]\n? a. A sctp\nNOERROR\n", "[queries]\n? a. A\nNOERROR\nanswer junk\n",
          "[queries]\n? a. A\nNOERROR\nsomewhere a. 5 IN A 1.2.3.4\n"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse(text), CaseError);
    }
    CHECK_THROWS_AS(make_options(parse("[options]\nnope 1\n")), CaseError);
    CHECK_THROWS_AS(make_options(parse("[options]\nttl x\n")), CaseError);
    CHECK_THROWS_AS(make_options(parse("[options]\npods maybe\n")), CaseError);
    CHECK_THROWS_AS(GoldenCluster(parse("[objects]\nkind: Service\napiVersion: v1\n")), CaseError);
    CHECK_THROWS_AS(GoldenCluster(parse("[objects]\nkind: Node\napiVersion: v1\n")), CaseError);
    CHECK_THROWS_AS(GoldenCluster(parse("[objects]\n{\n")), CaseError);
}

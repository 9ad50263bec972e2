#include "server/explain_question.h"

#include <doctest/doctest.h>

#include "server/near_spelling.h"

namespace server {
namespace {

using Names = std::vector<std::string>;

ExplainQuestion question(const std::string& name, const std::string& type = "") {
    const auto read = read_question({.name = name, .type = type, .from = {}, .ns = {}});
    REQUIRE(read);
    return *read;
}

std::string error(const ExplainRequest& request) {
    const auto read = read_question(request);
    return read ? "(reads)" : read.error();
}

Names tried(const std::string& name) {
    const auto search = search_list("prod", *zones::Name::parse("cluster.local"));
    Names out;
    for (const zones::Name& step : names_to_try(question(name), search)) {
        out.push_back(step.to_string());
    }
    return out;
}

}  // namespace

TEST_CASE("question: names as a pod writes them, addresses, ports") {
    CHECK(question("kubia").qtype == zones::qtype::kA);
    CHECK_FALSE(question("kubia").absolute);
    CHECK(question("kubia.").absolute);
    CHECK_FALSE(question("kubia\\.").absolute);
    CHECK(question("kubia", "srv").qtype == zones::qtype::kSrv);
    CHECK(question("kubia", "TYPE65").qtype == 65);
    CHECK(question("kubia:8080").port == 8080);
    CHECK(question("kubia:8080").name.to_string() == "kubia.");
    CHECK_FALSE(question("kubia").port);
    CHECK(question("10.66.13.240").name.to_string() == "240.13.66.10.in-addr.arpa.");
    CHECK(question("10.66.13.240").qtype == zones::qtype::kPtr);
    CHECK(question("10.66.13.240:80").port == 80);
    CHECK(question("10.66.13.240", "A").name.to_string() == "10.66.13.240.");
    CHECK(question("2001:db8::1").name.to_string() ==
          "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
}

TEST_CASE("question: what is none") {
    CHECK(error({.name = "", .type = {}, .from = {}, .ns = {}}) == R"("" is not a name)");
    CHECK(error({.name = "a..b", .type = {}, .from = {}, .ns = {}}) == R"("a..b" is not a name)");
    CHECK(error({.name = "a..\x1b[31m", .type = {}, .from = {}, .ns = {}}) ==
          R"("a..?[31m" is not a name)");
    CHECK(error({.name = "a", .type = "AXFR", .from = {}, .ns = {}}) ==
          R"("AXFR" is not a type of records)");
    CHECK(error({.name = "a", .type = "what", .from = {}, .ns = {}}) ==
          R"("what" is not a type of records)");
    CHECK(error({.name = "a", .type = {}, .from = "pod-1", .ns = {}}) ==
          R"("pod-1" is not an address of a pod)");
    CHECK(error({.name = "a", .type = {}, .from = {}, .ns = "a.b"}) ==
          R"("a.b" is not a name of a namespace)");
}

TEST_CASE("question: the search list, with ndots:5") {
    CHECK(tried("kubia") == Names{"kubia.prod.svc.cluster.local.", "kubia.svc.cluster.local.",
                                  "kubia.cluster.local.", "kubia."});
    CHECK(tried("a.b.c.d.e").front() == "a.b.c.d.e.prod.svc.cluster.local.");
    CHECK(tried("a.b.c.d.e.f").front() == "a.b.c.d.e.f.");
    CHECK(tried("a.b.c.d.e.f").size() == 4);
    CHECK(tried("kubia.prod.") == Names{"kubia.prod."});
    // A name that is too long with a search domain is not tried with it.
    const std::string label(60, 'a');
    CHECK(tried(label + "." + label + "." + label + "." + label) ==
          Names{label + "." + label + "." + label + "." + label + "."});
}

TEST_CASE("printable: nothing that a terminal obeys") {
    CHECK(printable("plain \xc3\xa9 text") == "plain \xc3\xa9 text");
    CHECK(printable(std::string_view("a\x1b[2Jb\n\x7f\0c", 9)) == "a?[2Jb???");
    CHECK(printable("a\xc2\x9b"
                    "31m") == "a?31m");
    CHECK(printable("a\xe2\x80\xae"
                    "b\xe2\x81\xa6\xe2\x82\xac") == "a?b?\xe2\x82\xac");
    CHECK(printable("\xff\xfe") == "??");
    CHECK(printable(std::string(600, 'x')) == std::string(500, 'x') + "...");
    const std::string cut = printable(std::string(499, 'x') + "\xe2\x82\xac");
    CHECK(cut == std::string(499, 'x') + "...");
}

TEST_CASE("near spellings: nearest first, and none that are far") {
    const Names words{"prod", "product", "pro", "staging", "default"};
    CHECK(near_spellings("prd", words) == Names{"pro", "prod"});
    CHECK(near_spellings("pord", words) == Names{"prod"});
    CHECK(near_spellings("prod", words) == Names{"pro"});
    CHECK(near_spellings("defualt", words) == Names{"default"});
    CHECK(near_spellings("nothing", words).empty());
    CHECK(near_spellings("", words).empty());
    CHECK(near_spellings("a", {"b", "c", "d", "e"}).size() == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("ab", "ba") == 1);
    CHECK(edit_distance("", "abc") == 3);
}

}  // namespace server

#include <doctest/doctest.h>

#include "server/config_plugins.h"
#include "tests/server/config_loading.h"

namespace server {
namespace {

using testing::error_in_block;
using Match = RewriteConfig::Match;

/// The rules in short: KIND FROM TO, then what becomes of the answer.
std::string rewrite_rules_of(std::string_view directives) {
    static constexpr const char* kKinds[] = {"exact", "prefix", "suffix", "substring", "regex"};
    std::string out;
    const Config config = testing::load("a {\n" + std::string(directives) + "\n}");
    for (const RewriteConfig& rule : config.blocks.at(0).rewrites) {
        out += out.empty() ? "" : "; ";
        out += rule.stop ? "" : "continue ";
        out += kKinds[static_cast<std::size_t>(rule.match)];
        out += " " + rule.from + " " + rule.to + (rule.answer_auto ? " auto" : "");
        for (const auto& response : rule.responses) {
            out += response.what == RewriteConfig::ResponseRule::What::Name ? " name " : " value ";
            out += response.from + " " + response.to;
        }
    }
    return out;
}

TEST_CASE("rules on one line") {
    CHECK(rewrite_rules_of("rewrite name a.test b.test") == "exact a.test b.test");
    CHECK(rewrite_rules_of("rewrite stop name exact a.test b.test") == "exact a.test b.test");
    CHECK(rewrite_rules_of("rewrite continue name suffix .a.test .b.test answer auto") ==
          "continue suffix .a.test .b.test auto");
    CHECK(rewrite_rules_of("rewrite name prefix a b\nrewrite name substring c d") ==
          "prefix a b; substring c d");
    CHECK(rewrite_rules_of(
              R"(rewrite name regex (.*)\.a {1}.b answer name (.*)\.b {1}.a value x y)") ==
          R"(regex (.*)\.a {1}.b name (.*)\.b {1}.a value x y)");
    CHECK(rewrite_rules_of("rewrite name suffix a b answer auto answer value c d") ==
          "suffix a b auto value c d");
}

TEST_CASE("rules between braces, as Gardener and Azure have them") {
    CHECK(rewrite_rules_of(R"(rewrite stop {
    name regex (^(?:[^\.]+\.)+)svc\.cluster\.local\.svc\.cluster\.local {1}svc.cluster.local
    answer name (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local
    answer value (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local
  })") == R"(regex (^(?:[^\.]+\.)+)svc\.cluster\.local\.svc\.cluster\.local {1}svc.cluster.local)"
          R"( name (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local)"
          R"( value (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local)");
    CHECK(rewrite_rules_of(R"(rewrite stop {
  name regex (.*)\.example\.com {1}.default.svc.cluster.local
  answer name (.*)\.default\.svc\.cluster\.local {1}.example.com
})") == R"(regex (.*)\.example\.com {1}.default.svc.cluster.local)"
        R"( name (.*)\.default\.svc\.cluster\.local {1}.example.com)");
    CHECK(rewrite_rules_of("rewrite {\nname exact a b\n}") == "exact a b");
}

TEST_CASE("errors") {
    struct Case {
        std::string_view directive;
        std::string_view error;  // a part of it; the directive begins on line 2
    };
    const Case cases[] = {
        {"rewrite", "rewrite lacks a field: read 'rewrite'"},
        {"rewrite stop", "rewrite lacks a field"},
        {"rewrite type ANY HINFO",
         "field of rewrite not supported in this version: read 'type'; known: name"},
        {"rewrite class CH IN", "field of rewrite not supported in this version: read 'class'"},
        {"rewrite edns0 nsid set", "field of rewrite not supported in this version: read 'edns0'"},
        {"rewrite continue {\nttl regex (.*) 15\n}",
         "field of rewrite not supported in this version: read 'ttl'"},
        {"rewrite rcode a NXDOMAIN NOERROR", "field of rewrite not supported in this version"},
        {"rewrite cname exact a b", "field of rewrite not supported in this version"},
        {"rewrite answer name a b", "rewrite begins with what is asked, not with answer"},
        {"rewrite x a b", "unknown field of rewrite: read 'x'; known: name"},
        {"rewrite name", "rewrite lacks FROM"},
        {"rewrite name a", "rewrite lacks TO"},
        {"rewrite name whole a b",
         "wrong value for rewrite: read 'whole'; known: exact, prefix, suffix, substring, regex"},
        {"rewrite name a..b c", "not a domain name: read 'a..b'"},
        {"rewrite name exact a c..d", "not a domain name: read 'c..d'"},
        {"rewrite name regex ( a", "bad pattern: missing ): (: read '('"},
        {"rewrite name regex (a) {2}", "the pattern '(a)' has not that many groups: read '{2}'"},
        {"rewrite name exact a b c", "only answer may follow FROM and TO: read 'c'"},
        {"rewrite name exact a b answer", "rewrite lacks what of the answer to rewrite"},
        {"rewrite name exact a b answer x", "wrong value for rewrite: read 'x'; known: auto, name"},
        {"rewrite name exact a b answer name c", "rewrite lacks TO of the answer"},
        {"rewrite name exact a b answer value ( c", "bad pattern: missing )"},
        {"rewrite name exact a b answer name c {1}", "the pattern 'c' has not that many groups"},
        {"rewrite name suffix a b answer auto answer name c d",
         "answer auto and answer name exclude each other"},
        {"rewrite name a b {\nanswer auto\n}", "no '{' may follow here"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.directive);
        CHECK(error_in_block(c.directive).starts_with("Corefile:2: " + std::string(c.error)));
    }
}

}  // namespace
}  // namespace server

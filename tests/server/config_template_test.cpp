#include <doctest/doctest.h>

#include "server/config_plugins.h"
#include "tests/server/config_loading.h"

namespace server {
namespace {

using testing::error_in_block;

std::vector<TemplateConfig> templates_of(std::string_view directives) {
    return testing::load("Example.org b.test {\n" + std::string(directives) + "\n}")
        .blocks.at(0)
        .templates;
}

TEST_CASE("a template with everything") {
    const TemplateConfig config = templates_of(R"(template IN aaaa X.test 10.0.0.0/8 {
        match ^a ^b
        match ^c
        answer "a 60 IN AAAA ::1" "b 60 IN AAAA ::2"
        additional "c 60 IN A 192.0.2.1"
        authority "{{ .Zone }} 60 IN NS ns.test."
        rcode NXDOMAIN
        ederror 21 "why not"
        fallthrough In-Addr.arpa
    })")
                                      .at(0);
    CHECK(config.qclass == 1);
    CHECK(config.qtype == 28);
    REQUIRE(config.zones.size() == 2);
    CHECK(config.zones[0].to_string() == "x.test.");
    CHECK(config.zones[1].to_string() == "10.in-addr.arpa.");
    CHECK(config.patterns == std::vector<std::string>{"^a", "^b", "^c"});
    CHECK(config.answers == std::vector<std::string>{"a 60 IN AAAA ::1", "b 60 IN AAAA ::2"});
    CHECK(config.additionals.size() == 1);
    CHECK(config.authorities.size() == 1);
    CHECK(config.rcode == 3);
    CHECK(config.extended_error == 21);
    CHECK(config.extended_error_text == "why not");
    CHECK(config.has_fallthrough);
    REQUIRE(config.fallthrough_zones.size() == 1);
    CHECK(config.fallthrough_zones[0].to_string() == "in-addr.arpa.");
}

TEST_CASE("a template with as little as can be, and several in a block") {
    const auto configs = templates_of(
        "template ANY ANY {\nrcode REFUSED\n}\ntemplate CH TXT . {\nanswer \"a CH TXT x\"\n}");
    REQUIRE(configs.size() == 2);
    CHECK(configs[0].qclass == 255);
    CHECK(configs[0].qtype == 255);
    REQUIRE(configs[0].zones.size() == 2);
    CHECK(configs[0].zones[1].to_string() == "b.test.");
    CHECK(configs[0].patterns.empty());
    CHECK_FALSE(configs[0].has_fallthrough);
    CHECK_FALSE(configs[0].extended_error.has_value());
    CHECK(configs[1].zones.at(0).is_root());
}

TEST_CASE("what Azure ships") {
    const auto configs = templates_of(R"(template ANY ANY internal.cloudapp.net {
      match "^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$"
      rcode NXDOMAIN
      fallthrough
    }
    template ANY ANY reddog.microsoft.com {
      rcode NXDOMAIN
    })");
    REQUIRE(configs.size() == 2);
    CHECK(configs[0].patterns.at(0) == R"(^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$)");
    CHECK(configs[0].has_fallthrough);
    CHECK(configs[0].fallthrough_zones.empty());
    CHECK_FALSE(configs[1].has_fallthrough);
}

TEST_CASE("errors name the line and what is wrong") {
    struct Case {
        std::string_view directive;
        std::string_view error;  // a part of it
    };
    const Case cases[] = {
        {"template", "2: template takes 2 or more arguments"},
        {"template IN", "2: template takes 2 or more arguments"},
        {"template XX A {\nrcode NXDOMAIN\n}", "2: not a class: read 'XX'"},
        {"template IN XX {\nrcode NXDOMAIN\n}", "2: not a type: read 'XX'"},
        {"template IN A a..b {\nrcode NXDOMAIN\n}", "2: not a "},
        {"template IN A", "2: a template needs answer, authority or rcode: read 'template IN A'"},
        {"template IN A {\nadditional \"a A 192.0.2.1\"\n}", "2: a template needs answer"},
        {"template IN A {\nmatch\n}", "3: match takes 1 or more arguments"},
        {"template IN A {\nrcode NXDOMAIN\nmatch a (\n}", "4: bad pattern: missing ): (: read '('"},
        {"template IN A {\nanswer\n}", "3: answer takes 1 or more arguments"},
        {"template IN A {\nanswer \"a 60 IN A 1.2.3\"\n}",
         "3: bad record in answer: Syntax error, could not parse the RR's rdata: read 'a 60 IN A "
         "1.2.3'"},
        {"template IN A {\nauthority a\n}", "3: bad record in authority: no type of record"},
        {"template IN A {\nadditional \"{{ if }}\"\n}",
         "3: bad record in additional: 'if' is not supported in this version; known: .Name,"},
        {"template IN A {\nmatch (?P<a>x)\nanswer \"{{ .Name }} A {{ .Group.b }}\"\n}",
         "4: no pattern of this template has that group: read '.Group.b'"},
        {"template IN A {\nrcode nxdomain\n}",
         "3: wrong value for rcode: read 'nxdomain'; known: "},
        {"template IN A {\nrcode BADVERS\n}", "3: wrong value for rcode: read 'BADVERS'"},
        {"template IN A {\nederror x\n}", "3: ederror needs a whole number from 0 to 65535"},
        {"template IN A {\nederror 1 a b\n}", "3: ederror takes 1 to 2 arguments"},
        {"template IN A {\nvar a b\n}", "3: option not supported in this version: read 'var a b'"},
        {"template IN A {\nexpr a\n}", "3: option not supported in this version: read 'expr a'"},
        {"template IN A {\nx\n}", "3: unknown property of template: read 'x'; known: additional"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.directive);
        CHECK(error_in_block(c.directive).starts_with("Corefile:" + std::string(c.error)));
    }
}

}  // namespace
}  // namespace server

#include "server/corefile_lexer.h"

#include <cstdlib>

#include <doctest/doctest.h>

#include "server/config_error.h"

namespace server {
namespace {

/// LINE:TEXT of each token, '|' before those that begin a line, braces as such.
std::string token_text(std::string_view text) {
    std::string out;
    for (const Token& token : tokenize(text, "Corefile")) {
        out += out.empty() ? "" : " ";
        out += token.starts_line ? "|" : "";
        out += std::to_string(token.at.line) + ":";
        out += token.kind == Token::Kind::Word ? "<" + token.text + ">" : token.text;
    }
    return out;
}

TEST_CASE("tokens are cut at white space, with their lines") {
    struct Case {
        std::string_view text;
        std::string_view tokens;
    };
    const Case cases[] = {
        {"", ""},
        {" \t\r\n\n", ""},
        {"a b", "|1:<a> 1:<b>"},
        {"a\nb c\n\n d", "|1:<a> |2:<b> 2:<c> |4:<d>"},
        {"a\r\nb\r\n", "|1:<a> |2:<b>"},
        {"\xEF\xBB\xBF"
         "a",
         "|1:<a>"},
        {"a\xC2\xA0"
         "b\xE3\x80\x80"
         "c",
         "|1:<a> 1:<b> 1:<c>"},
        {"\xC3\xA4", "|1:<\xC3\xA4>"},
        {". {\n}", "|1:<.> 1:{ |2:}"},
        {"{1}.a }b {4,}", "|1:<{1}.a> 1:<}b> 1:<{4,}>"},
        {"a # comment { }\nb", "|1:<a> |2:<b>"},
        {"a#b c\nd", "|1:<a> |2:<d>"},
        {"# only", ""},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(token_text(c.text) == c.tokens);
    }
}

TEST_CASE("quotes keep white space, comments and line breaks") {
    struct Case {
        std::string_view text;
        std::string_view tokens;
    };
    const Case cases[] = {
        {R"("a b" c)", "|1:<a b> 1:<c>"},
        {R"("" x)", "|1:<> 1:<x>"},
        {R"("a # b")", "|1:<a # b>"},
        {R"("say \"x\"")", R"(|1:<say "x">)"},
        {R"("a\.b\\")", R"(|1:<a\.b\\>)"},
        {R"(a"b c")", R"(|1:<a"b> 1:<c">)"},
        {R"("a"b)", "|1:<a> 1:<b>"},
        {R"("{" "}")", "|1:<{> 1:<}>"},
        {"\"a\nb\" c\nd", "|1:<a\nb> 2:<c> |3:<d>"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(token_text(c.text) == c.tokens);
    }
}

TEST_CASE("a quote that is never closed is refused where it begins") {
    CHECK_THROWS_WITH_AS(tokenize("a\n\"b\nc", "F"),
                         "F:2: this quote is never closed: read '\"b\\x0ac'", ConfigError);
}

TEST_CASE("the number of tokens is limited") {
    std::string text;
    for (std::size_t i = 0; i < kMaxTokens; ++i) {
        text += "a ";
    }
    CHECK(tokenize(text, "F").size() == kMaxTokens);
    CHECK_THROWS_WITH_AS(tokenize(text + "b", "F"), "F:1: too many words in this file",
                         ConfigError);
}

TEST_CASE("the environment is filled in once") {
    ::setenv("KERYX_TEST_A", "one two", 1);
    ::setenv("KERYX_TEST_B", "{$KERYX_TEST_A}", 1);
    ::unsetenv("KERYX_TEST_NONE");
    struct Case {
        std::string_view text;
        std::string_view expanded;
    };
    const Case cases[] = {
        {"{$KERYX_TEST_A}", "one two"},
        {"{%KERYX_TEST_A%}", "one two"},
        {"x{$KERYX_TEST_A}y{%KERYX_TEST_A%}z", "xone twoyone twoz"},
        {"{$KERYX_TEST_NONE}", ""},
        {"{$KERYX_TEST_B}", "{$KERYX_TEST_A}"},
        {"{$}", "{$}"},
        {"{%%}", "{%%}"},
        {"{$KERYX_TEST_A", "{$KERYX_TEST_A"},
        {"{%KERYX_TEST_A}", "{%KERYX_TEST_A}"},
        {"{KERYX_TEST_A}", "{KERYX_TEST_A}"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(expand_environment(c.text) == c.expanded);
    }
    CHECK(token_text("a {$KERYX_TEST_A} \"{$KERYX_TEST_A}\"") == "|1:<a> 1:<one two> 1:<one two>");
}

}  // namespace
}  // namespace server

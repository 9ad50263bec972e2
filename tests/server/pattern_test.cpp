#include "server/pattern.h"

#include <doctest/doctest.h>

namespace server {
namespace {

TEST_CASE("groups of the first match, anywhere in the text") {
    const auto pattern = Pattern::compile(R"((?P<first>[a-z]+)\.(x)?(y))");
    REQUIRE(pattern.has_value());
    Groups groups;
    CHECK_FALSE(pattern->match("ab", groups));
    REQUIRE(pattern->match("-ab.y.cd.xy", groups));
    CHECK(groups == Groups{"ab.y", "ab", "", "y"});
    CHECK(pattern->group_count() == 3);
    CHECK(pattern->group_named("first") == 1);
    CHECK_FALSE(pattern->group_named("x").has_value());
}

TEST_CASE("what is no pattern, or too large a one") {
    CHECK_FALSE(Pattern::compile("(").has_value());
    CHECK_FALSE(Pattern::compile(R"((a)\1)").has_value());  // neither has Go
    CHECK_FALSE(Pattern::compile("((a{1,100}){1,100}){1,100}").has_value());
    CHECK(Pattern::compile(R"(^(?:[^.]+\.){4,}internal\.test\.$)").has_value());
}

TEST_CASE("time is linear in the text") {
    const auto pattern = Pattern::compile("^(a+)+$");
    REQUIRE(pattern.has_value());
    Groups groups;
    CHECK_FALSE(pattern->match(std::string(1000, 'a') + "b", groups));
}

std::string expand(std::string_view text) {
    const Groups groups = {"whole", "one", "{0}"};
    return Replacement(text).expand(groups);
}

TEST_CASE("replacements") {
    CHECK(expand("") == "");
    CHECK(expand("a.b.") == "a.b.");
    CHECK(expand("{0}") == "whole");
    CHECK(expand("x{1}y{1}{0}z") == "xoneyonewholez");
    CHECK(expand("{2}") == "{0}");  // what a group matched is not looked at again
    CHECK(expand("{}{a}{01}{1{-1}{1") == "{}{a}{01}{1{-1}{1");
    CHECK(expand("{{1}}") == "{one}");
    CHECK(expand("a{7}b") == "ab");
    CHECK(Replacement("a{7}{3}").highest_group() == 7);
    CHECK(Replacement("a{0}").highest_group() == 0);
    CHECK(Replacement("a").highest_group() == 0);
}

}  // namespace
}  // namespace server

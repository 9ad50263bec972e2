#include "k8s_client/label_selector.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using k8s_client::Labels;
using k8s_client::LabelSelector;

namespace {

bool matches(const std::string& text, const Labels& labels) {
    const auto selector = LabelSelector::parse(text);
    REQUIRE_MESSAGE(selector, text);
    return selector->matches(labels);
}

std::string selector_error(const std::string& text) {
    const auto selector = LabelSelector::parse(text);
    REQUIRE_MESSAGE(!selector, text);
    return selector.error();
}

const Labels kLabels = {
    {"env", "prod"}, {"example.com/size", "10"}, {"none", ""}, {"tier", "front"}};

}  // namespace

TEST_CASE("a selector matches as the API's labels.Parse says") {
    struct Case {
        std::string selector;
        bool expected;
    };
    const std::vector<Case> cases = {
        {"", true},
        {"  ", true},
        {"env=prod", true},
        {"env==prod", true},
        {" env  =\tprod ", true},
        {"env=test", false},
        {"env=prod,tier=front", true},
        {"env=prod,tier=back", false},
        {"env!=test", true},
        {"env!=prod", false},
        {"absent!=x", true},
        {"env in (test,prod)", true},
        {"env in ( test , prod )", true},
        {"env in(prod)", true},
        {"env in (test)", false},
        {"absent in (test)", false},
        {"env notin (test)", true},
        {"env notin(prod,test)", false},
        {"absent notin (test)", true},
        {"env", true},
        {"absent", false},
        {"!env", false},
        {"!absent", true},
        {"! absent , env", true},
        {"example.com/size>9", true},
        {"example.com/size>10", false},
        {"example.com/size<11", true},
        {"example.com/size < 10", false},
        {"env>1", false},
        {"absent>1", false},
        {"absent<1", false},
        {"none=", true},
        {"none", true},
        {"env=", false},
        {"none!=", false},
        {"env!=,tier", true},
        {"absent=", false},
        {"none in (b,)", true},
        {"none in (,b)", true},
        {"none in (,)", true},
        {"env in (b,)", false},
        {"none in (b,,c)", true},
        {"none notin (b,)", false},
        {"tier in (front),env notin (in,notin)", true},
    };
    for (const Case& c : cases) {
        CAPTURE(c.selector);
        CHECK(matches(c.selector, kLabels) == c.expected);
    }
}

TEST_CASE("keywords are keywords only where an operator stands") {
    const Labels labels = {{"in", "notin"}, {"notin", "in"}};
    CHECK(matches("in=notin", labels));
    CHECK(matches("in in (notin)", labels));
    CHECK(matches("notin in (in, x)", labels));
    CHECK(matches("in,notin", labels));
    CHECK_FALSE(matches("notin notin (in)", labels));
}

TEST_CASE("the whole 64-bit range of integers is compared") {
    const Labels labels = {{"n", "9223372036854775807"}};
    CHECK(matches("n>9223372036854775806", labels));
    CHECK_FALSE(matches("n<9223372036854775807", labels));
    CHECK_FALSE(matches("n>1", {{"n", "9223372036854775808"}}));
    CHECK_FALSE(matches("n>1", {{"n", "2x"}}));
}

TEST_CASE("what labels.Parse refuses is refused, with the place") {
    const std::vector<std::string> bad = {
        ",",       "a,",      ",a",         "a,,b",       "!",          "!!a",    "!a=b",
        "a b",     "a=b c",   "a=b=c",      "=b",         "a in",       "a in b", "a in ()",
        "a in (b", "a in b)", "a in (b c)", "a in (b))",  "a notin ()", "a>",     "a<x",
        "a>1.5",   "a=(b)",   "a>1,b<",     "(a)",        "a=!b",       "a==!b",  "a===b",
        "a/b/c=d", "/a=b",    "a/=b",       "A.com/a",    "-a=b",       "a-=b",   "a=-b",
        "a=b-",    "a=b/c",   "a in (-b)",  "\xc3\xa4=b", "a=\xc3\xa4", "a>-1",
    };
    for (const std::string& text : bad) {
        CAPTURE(text);
        CHECK(selector_error(text).find("label selector '" + text + "', column ") == 0);
    }
    CHECK(selector_error("a=b c") ==
          "label selector 'a=b c', column 5: found 'c', expected ',' or the end");
    CHECK(selector_error("a in ()").find("the list is empty") != std::string::npos);
    CHECK(selector_error("a>x").find("not an integer") != std::string::npos);
    CHECK(selector_error("a,").find("found the end") != std::string::npos);
}

TEST_CASE("keys and values keep their limits of length") {
    const std::string name(63, 'n');
    const std::string prefix = std::string(251, 'p') + ".q";
    CHECK(LabelSelector::parse(name + "=" + name));
    CHECK(LabelSelector::parse(prefix + "/" + name + " in (" + name + ")"));
    CHECK(selector_error(name + "n").find("longer than 63") != std::string::npos);
    CHECK(selector_error("a=" + name + "n").find("longer than 63") != std::string::npos);
    CHECK(selector_error("a in (b," + name + "n)").find("longer than 63") != std::string::npos);
    CHECK_FALSE(LabelSelector::parse(prefix + "q/a"));
}

TEST_CASE("a selector keeps its text and knows whether it is empty") {
    CHECK(LabelSelector().empty());
    CHECK(LabelSelector::parse(" ")->empty());
    CHECK(LabelSelector().matches({}));
    const auto selector = LabelSelector::parse("a in (b,c), !d");
    REQUIRE(selector);
    CHECK_FALSE(selector->empty());
    CHECK(selector->text() == "a in (b,c), !d");
}

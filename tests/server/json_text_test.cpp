#include "server/json_text.h"

#include <limits>

#include <doctest/doctest.h>

using server::JsonText;

TEST_CASE("JSON: members, numbers, and what has no number") {
    JsonText json;
    json.begin_object()
        .member("text", "a\"b\\c")
        .member("yes", true)
        .member("count", std::uint64_t{18'446'744'073'709'551'615U})
        .member("less", -3)
        .member("half", 0.5)
        .member("none", std::numeric_limits<double>::infinity())
        .key("list")
        .begin_array()
        .value("x")
        .null()
        .end_array()
        .end_object();
    CHECK(json.text() ==
          R"({"text":"a\"b\\c","yes":true,"count":18446744073709551615,"less":-3,"half":0.5,)"
          R"("none":null,"list":["x",null]})");
}

TEST_CASE("JSON: octets that nobody chose to be text") {
    JsonText json;
    json.value(std::string_view("\x1b[31m\0\x7f\xff\xc3\xa9", 10));
    CHECK(json.text() == "\"\\u001B[31m\\u0000\x7f\\u00FF\\u00C3\\u00A9\"");
}

TEST_CASE("JSON: words of people, as UTF-8") {
    JsonText json;
    json.words("na\xc3\xafve \"x\"");
    CHECK(json.text() == R"("na\u00EFve \"x\"")");
}

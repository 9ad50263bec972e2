// What `keryx top` makes of the server's JSON, at different sizes of a terminal.
#include "server/top_screen.h"

#include <doctest/doctest.h>

using namespace server;

namespace {

constexpr std::string_view kJson =
    R"({"window_seconds":90.2,"queries":1000,"per_second":11.1,"lists":{
"clients":[{"client":"10.1.0.1","pod":"prod/web-0","pods":1,"queries":600,"per_second":6.66,"share":0.6},
           {"client":"10.1.0.9","pod":null,"pods":3,"queries":300,"per_second":123.4,"share":0.3},
           {"client":"192.0.2.7","pod":null,"pods":0,"queries":100,"per_second":1,"share":0.1}],
"names":[{"name":"web.prod.svc.cluster.local.","queries":1000,"per_second":11.1,"share":1}],
"nxdomain":[],"wasted":[],"leaked":[],
"errors":[{"name":"x.","rcode":"REFUSED","queries":2,"per_second":0.02,"share":0.002}]}})";

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("top: everything, where there is no end") {
    CHECK(joined(show_top(read_top(kJson).value(), "127.0.0.1:8182", 1000, 0)) ==
          "keryx 127.0.0.1:8182   1000 queries in 90 s, 11.1 a second\n"
          "-- clients --\n"
          "     600     6.7  60.0% prod/web-0 (10.1.0.1)\n"
          "     300     123  30.0% 10.1.0.9 (3 pods of its node)\n"
          "     100     1.0  10.0% 192.0.2.7\n"
          "-- names --\n"
          "    1000    11.1 100.0% web.prod.svc.cluster.local.\n"
          "-- names that do not exist --\n"
          "       - none\n"
          "-- names tried with search suffixes in vain --\n"
          "       - none\n"
          "-- cluster names sent upstream --\n"
          "       - none\n"
          "-- errors --\n"
          "       2     0.0   0.2% REFUSED x.\n");
}

TEST_CASE("top: no line is wider, and no screen higher, than the terminal") {
    const TopScreen picture = read_top(kJson).value();
    for (std::size_t width = 1; width < 200; ++width) {
        for (std::size_t height = 1; height < 40; ++height) {
            const auto lines = show_top(picture, "127.0.0.1:8182", width, height);
            REQUIRE(lines.size() <= height);
            for (const std::string& line : lines) {
                REQUIRE(line.size() <= width);
            }
        }
    }
    const auto narrow = show_top(picture, "127.0.0.1:8182", 30, 24);
    CHECK(narrow.at(1) == "-- clients --");
    CHECK(narrow.at(2) == "     600     6.7 prod/web-0 (~");
    const auto wide = show_top(picture, "127.0.0.1:8182", 140, 24);
    CHECK(wide.at(1).find("-- names --") == 71);
    CHECK(show_top(picture, "s", 80, 14).at(2).find("prod/web-0") != std::string::npos);
    CHECK(show_top(picture, "s", 80, 14).size() == 14);  // a row of each list
}

TEST_CASE("top: no text that comes from a server acts on the terminal") {
    const auto picture = read_top(
        "{\"lists\":{\"names\":[{\"name\":\"\\u001b[31mred\\u0007\\u009b\xc3\xa9\",\"queries\":1}],"
        "\"clients\":[{\"client\":\"\\u0000x\",\"pod\":\"a\\nb\"}],\"errors\":[3,null]}}");
    REQUIRE(picture);
    for (const std::string& line : show_top(*picture, "\x1b]0;x\x07", 100, 0)) {
        CAPTURE(line);
        for (const char c : line) {
            CHECK((c >= 0x20 && c < 0x7f));
        }
    }
    CHECK(ascii_of("a\x1b\x7f\xff\tb") == "a????b");
}

TEST_CASE("top: what is no such JSON is an error") {
    for (const char* text : {"", "x", "{}", "[]", "{\"lists\":1}", "null", "{\"lists\":{}"}) {
        CAPTURE(text);
        CHECK_FALSE(read_top(text));
    }
    CHECK(read_top("{\"lists\":{}}")->lists.empty());
}

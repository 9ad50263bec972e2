#include "server/config_values.h"

#include <doctest/doctest.h>

#include "server/config_error.h"

namespace server {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations as Go writes them") {
    struct Case {
        std::string_view text;
        std::optional<std::chrono::nanoseconds> value;
    };
    const Case cases[] = {
        {"0", 0ns},
        {"-0", 0ns},
        {"5s", 5s},
        {"1h2m3.5s", 1h + 2min + 3500ms},
        {"500ms", 500ms},
        {"7us", 7us},
        {"7\xC2\xB5s", 7us},
        {"7\xCE\xBCs", 7us},
        {"9ns", 9ns},
        {".5s", 500ms},
        {"5.s", 5s},
        {"1.5h", 90min},
        {"0.3m", 18s},
        {"-1m", -1min},
        {"+1m", 1min},
        {"1m1ms", 1min + 1ms},
        {"0.0000000019s", 1ns},
        {"9223372036854775807ns", std::chrono::nanoseconds::max()},
        {"9223372036854775808ns", std::nullopt},
        {"2562048h", std::nullopt},
        {"2562047h1h", std::nullopt},
        {"", std::nullopt},
        {"-", std::nullopt},
        {"5", std::nullopt},
        {"s", std::nullopt},
        {".s", std::nullopt},
        {"5 s", std::nullopt},
        {"5d", std::nullopt},
        {"5S", std::nullopt},
        {"1s-1s", std::nullopt},
        {"1s ", std::nullopt},
        {"99999999999999999999s", std::nullopt},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const auto value = parse_duration(c.text);
        REQUIRE(value.has_value() == c.value.has_value());
        if (value) {
            CHECK(value->count() == c.value->count());
        }
    }
}

TEST_CASE("whole numbers") {
    CHECK(parse_integer("42") == 42);
    CHECK(parse_integer("+42") == 42);
    CHECK(parse_integer("-1") == -1);
    for (const char* text :
         {"", "+", "-", "+-1", "4.2", "4x", " 4", "0x4", "9223372036854775808"}) {
        CAPTURE(text);
        CHECK(!parse_integer(text));
    }
}

TEST_CASE("addresses in canonical spelling") {
    CHECK(parse_address("192.0.2.1") == "192.0.2.1");
    CHECK(parse_address("2001:DB8:0:0::1") == "2001:db8::1");
    CHECK(parse_address("::") == "::");
    for (const char* text : {"", "192.0.2", "192.0.2.256", "192.0.2.01", "[::1]", "fe80::1%eth0",
                             "localhost", "1:2"}) {
        CAPTURE(text);
        CHECK(!parse_address(text));
    }
}

TEST_CASE("addresses with ports") {
    struct Case {
        std::string_view text;
        std::string_view address;  // empty: not an endpoint
        int port;                  // -1: none
    };
    const Case cases[] = {
        {"192.0.2.1", "192.0.2.1", -1},
        {"192.0.2.1:5353", "192.0.2.1", 5353},
        {"2001:db8::1", "2001:db8::1", -1},
        {"[2001:db8::1]", "2001:db8::1", -1},
        {"[2001:db8::1]:53", "2001:db8::1", 53},
        {"fe80::1%eth0", "fe80::1", -1},
        {"[fe80::1%eth0]:53", "fe80::1", 53},
        {"[192.0.2.1]:53", "192.0.2.1", 53},
        {"192.0.2.1:", "", 0},
        {"192.0.2.1:65536", "", 0},
        {"192.0.2.1:-1", "", 0},
        {"192.0.2.1:dns", "", 0},
        {"[2001:db8::1", "", 0},
        {"[2001:db8::1]x", "", 0},
        {"[]:53", "", 0},
        {"localhost:53", "", 0},
        {"", "", 0},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const auto endpoint = parse_endpoint(c.text);
        REQUIRE(endpoint.has_value() == !c.address.empty());
        if (endpoint) {
            CHECK(endpoint->address == c.address);
            CHECK((endpoint->port ? int{*endpoint->port} : -1) == c.port);
        }
    }
}

}  // namespace
}  // namespace server

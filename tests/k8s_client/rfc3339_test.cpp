#include "k8s_client/rfc3339.h"

#include <doctest/doctest.h>

using k8s_client::parse_rfc3339;

TEST_CASE("times with and without fraction and offset") {
    using namespace std::chrono;
    const sys_time<nanoseconds> noon = sys_days(year(2026) / 11 / 23) + hours(12);
    CHECK(parse_rfc3339("2026-11-23T12:00:00Z") == noon);
    CHECK(parse_rfc3339("2026-11-23T13:30:00+01:30") == noon);
    CHECK(parse_rfc3339("2026-11-23T11:00:00-01:00") == noon);
    CHECK(parse_rfc3339("2026-11-23T12:00:00.5Z") == noon + milliseconds(500));
    CHECK(parse_rfc3339("2026-11-23T12:00:00.123456789Z") == noon + nanoseconds(123456789));
    CHECK(parse_rfc3339("2026-11-23T12:00:00.1234567891Z") == noon + nanoseconds(123456789));
    CHECK(parse_rfc3339("2026-11-23T11:59:60Z") == noon);
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == sys_time<nanoseconds>());
}

TEST_CASE("what is no time") {
    for (const char* text :
         {"", "2026-11-23", "2026-11-23T12:00:00", "2026-11-23 12:00:00Z", "2026-02-30T12:00:00Z",
          "2026-11-23T24:00:00Z", "2026-11-23T12:60:00Z", "2026-11-23T12:00:61Z",
          "2026-11-23T12:00:00.Z", "2026-11-23T12:00:00Zx", "2026-11-23T12:00:00+24:00",
          "1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "20261123T120000Z", "Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}

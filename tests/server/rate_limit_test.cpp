#include "server/rate_limit.h"

#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using testing::client_at;
using Over = RateLimitConfig::Over;

const RateLimit::Clock::time_point kFirstQuery{1h};

RateLimitConfig rate_config(std::uint32_t per_second, Over over = Over::Truncate) {
    RateLimitConfig made;
    made.queries = {per_second, per_second};
    made.over = over;
    return made;
}

struct Verdicts {
    int passed = 0, told = 0, dropped = 0;
    bool operator==(const Verdicts&) const = default;
};

/// What becomes of so many queries of a client at once; `random` is nobody's luck.
Verdicts verdicts_of(RateLimit& limit, const Client& client, int times,
                     RateLimit::Clock::time_point at = kFirstQuery, std::uint32_t random = 1) {
    Verdicts verdicts;
    for (int i = 0; i < times; ++i) {
        switch (limit.query(client, at, random).verdict) {
            case RateLimit::Verdict::Pass:
                ++verdicts.passed;
                break;
            case RateLimit::Verdict::Tell:
                ++verdicts.told;
                break;
            case RateLimit::Verdict::Drop:
                ++verdicts.dropped;
                break;
        }
    }
    return verdicts;
}

TEST_CASE("a client that wants more is told as often as it may ask, then hardly any more") {
    RateLimit limit(rate_config(10), {1, 2});
    const Client client = client_at("10.0.0.1");
    CHECK(verdicts_of(limit, client, 100) == Verdicts{10, 10, 80});
    CHECK(verdicts_of(limit, client, 100, kFirstQuery + 100ms) == Verdicts{1, 1, 98});
    CHECK(verdicts_of(limit, client, 10, kFirstQuery + 100ms, 8) ==
          Verdicts{0, 10, 0});  // one of eight
    CHECK(verdicts_of(limit, client_at("10.0.0.2"), 10) == Verdicts{10, 0, 0});
}

TEST_CASE("over drop: nobody is told") {
    RateLimit limit(rate_config(10, Over::Drop), {1, 2});
    CHECK(verdicts_of(limit, client_at("10.0.0.1"), 100, kFirstQuery, 8) == Verdicts{10, 0, 90});
}

TEST_CASE("what comes over UDP, and may be forged, takes nothing from TCP") {
    RateLimit limit(rate_config(10), {1, 2});
    verdicts_of(limit, client_at("10.0.0.1"), 1000);
    CHECK(verdicts_of(limit, client_at("10.0.0.1", true), 10) == Verdicts{10, 0, 0});
    CHECK(verdicts_of(limit, client_at("10.0.0.1", true), 100) == Verdicts{0, 100, 0});
}

TEST_CASE("a client is an IPv4 address, or 64 bits of an IPv6 address") {
    RateLimit limit(rate_config(10), {1, 2});
    CHECK(verdicts_of(limit, client_at("fd00::1"), 10).passed == 10);
    CHECK(verdicts_of(limit, client_at("fd00::ffff:1"), 10).passed == 0);
    CHECK(verdicts_of(limit, client_at("fd00:0:0:1::1"), 10).passed == 10);
    CHECK(verdicts_of(limit, client_at("::ffff:10.0.0.1"), 10).passed == 10);
    CHECK(verdicts_of(limit, client_at("10.0.0.1"), 10).passed == 0);
}

TEST_CASE("exempt clients have no limit") {
    RateLimitConfig made = rate_config(10);
    made.exempt = {{zones::parse_address("10.1.0.0").value(), 16},
                   {zones::parse_address("fd00::").value(), 8}};
    RateLimit limit(made, {1, 2});
    for (const char* address : {"10.1.2.3", "::ffff:10.1.0.1", "fd01::1"}) {
        CHECK(verdicts_of(limit, client_at(address), 1000).passed == 1000);
    }
    CHECK(verdicts_of(limit, client_at("10.2.0.1"), 1000).passed == 10);
    CHECK(verdicts_of(limit, client_at("2001:db8::1"), 1000).passed == 10);
}

TEST_CASE("forwards have a budget of their own") {
    RateLimitConfig made = rate_config(100);
    made.forwards = {5, 8};
    RateLimit limit(made, {1, 2});
    CHECK(limit.limits_forwards());
    const Client client = client_at("10.0.0.1");
    int passed = 0;
    for (int i = 0; i < 50; ++i) {
        passed += limit.forward(client, kFirstQuery, 1).verdict == RateLimit::Verdict::Pass ? 1 : 0;
    }
    CHECK(passed == 8);
    CHECK(verdicts_of(limit, client, 100).passed == 100);
    CHECK_FALSE(RateLimit(rate_config(100), {1, 2}).limits_forwards());
}

}  // namespace
}  // namespace server

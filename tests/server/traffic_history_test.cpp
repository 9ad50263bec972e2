// What is drawn follows from what was counted.
#include "server/traffic_history.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using server::Metrics;
using server::point_between;
using server::points_of;
using server::sample_of;
using server::TrafficHistory;
using server::TrafficSample;

namespace {

const TrafficHistory::Clock::time_point kFirstTick{1000s};

TrafficSample sample(std::chrono::seconds after, std::vector<std::uint64_t> durations = {}) {
    TrafficSample made{.at = kFirstTick + after};
    std::ranges::copy(durations, made.durations.begin());
    return made;
}

}  // namespace

TEST_CASE("a history has a sample each two seconds of five minutes, however often it is asked") {
    Metrics metrics(1);
    TrafficHistory history;
    for (auto at = kFirstTick; at < kFirstTick + 1000s; at += 100ms) {
        history.tick(metrics, at);
    }
    const auto samples = history.samples();
    REQUIRE(samples.size() == 151);
    CHECK(samples.back().at - samples.front().at == TrafficHistory::kLength);
    CHECK(samples[1].at - samples[0].at == TrafficHistory::kPeriod);
    CHECK(samples.back().at == kFirstTick + 998s);
}

TEST_CASE("a sample has what the workers counted") {
    Metrics metrics(2);
    auto& zone = metrics.zone("dns://:53", ".");
    zone.cells[0].responses[0][3].add(2);
    zone.cells[1].responses[0][2].add(1);
    zone.cells[1].responses[0][0].add(7);
    zone.cells[1].duration.observe(1'000'000, 10);
    const auto taken = sample_of(metrics.totals(), kFirstTick);
    CHECK(taken.replies == 10);
    CHECK(taken.nxdomain == 2);
    CHECK(taken.servfail == 1);
    CHECK(taken.durations[2] == 10);
}

TEST_CASE("points are what came between two samples") {
    auto first = sample(0s), second = sample(2s), third = sample(4s);
    first.replies = 100;
    second.replies = 140;
    second.nxdomain = third.nxdomain = 10;
    third.replies = 140;
    const auto points = points_of({first, second, third});
    REQUIRE(points.size() == 2);
    CHECK(points[0].rate == doctest::Approx(20));
    CHECK(points[0].nxdomain == 10);
    CHECK(points[1].rate == 0);
    CHECK(points[1].nxdomain == 0);
    CHECK(points[1].half == -1);
    CHECK(points_of({first}).empty());
}

TEST_CASE("percentiles are the bucket that so many replies were within") {
    CHECK(point_between(sample(0s, {5}), sample(2s, {104, 1})).half == 0);
    CHECK(point_between(sample(0s, {5}), sample(2s, {104, 1})).most == 0);  // 99 of 100
    CHECK(point_between(sample(0s, {5}), sample(2s, {103, 2})).most == 1);
    CHECK(point_between(sample(0s, {5}), sample(2s, {6, 1})).half == 0);  // 1 of 2
    CHECK(point_between(sample(0s, {5}), sample(2s, {6, 2})).half == 1);  // 1 of 3
    auto slow = sample(2s);
    slow.durations.back() = 3;
    CHECK(point_between(sample(0s), slow).half == 16);
}

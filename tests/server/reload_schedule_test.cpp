#include "server/reload_schedule.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using server::ReloadConfig;
using server::ReloadSchedule;

namespace {
const ReloadSchedule::Clock::time_point kFirstLook{1000s};
}

TEST_CASE("a Corefile is looked at once per interval") {
    ReloadSchedule schedule(1);
    schedule.loaded(ReloadConfig{10s, 0s}, "one", kFirstLook);
    CHECK_FALSE(schedule.due(kFirstLook));
    CHECK_FALSE(schedule.due(kFirstLook + 9999ms));
    CHECK(schedule.due(kFirstLook + 10s));
    CHECK_FALSE(schedule.due(kFirstLook + 10s));
    CHECK(schedule.due(kFirstLook + 20s));
}

TEST_CASE("jitter spreads the interval by half of itself to both sides, drawn for each load") {
    ReloadSchedule schedule(1);
    int early = 0, late = 0;
    for (int load = 0; load < 200; ++load) {
        schedule.loaded(ReloadConfig{10s, 4s}, "one", kFirstLook);
        CHECK_FALSE(schedule.due(kFirstLook + 7999ms));
        const bool by_nine = schedule.due(kFirstLook + 9s);
        early += by_nine ? 1 : 0;
        const bool by_eleven = by_nine || schedule.due(kFirstLook + 11s);
        late += by_eleven ? 0 : 1;
        CHECK((by_eleven || schedule.due(kFirstLook + 12001ms)));
    }
    CHECK(early > 10);
    CHECK(late > 10);
}

TEST_CASE("without reload it is never time") {
    ReloadSchedule schedule(1);
    schedule.loaded(std::nullopt, "one", kFirstLook);
    CHECK_FALSE(schedule.due(kFirstLook + 24h));
}

TEST_CASE("news is what neither runs nor was refused") {
    ReloadSchedule schedule(1);
    schedule.loaded(std::nullopt, "one", kFirstLook);
    CHECK_FALSE(schedule.is_news("one"));
    CHECK(schedule.is_news("two"));
    schedule.refused("two");
    CHECK_FALSE(schedule.is_news("two"));
    CHECK(schedule.is_news("three"));
    CHECK_FALSE(schedule.is_news("one"));  // put back
    CHECK(schedule.is_news("two"));        // and changed again
    schedule.loaded(std::nullopt, "three", kFirstLook);
    CHECK(schedule.is_news("two"));  // it may be right by now
}

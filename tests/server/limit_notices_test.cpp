#include "server/limit_notices.h"

#include <doctest/doctest.h>

#include "tests/server/journal_lines.h"

using namespace server;
using namespace server::testing;
using namespace std::chrono_literals;

TEST_CASE("limits that clients reach are told of once, then every ten minutes, with their sums") {
    Metrics metrics(2);
    JournalLines journal;
    LimitNotices notices(metrics, journal);
    auto now = LimitNotices::Clock::now();
    const auto pass = [&](std::chrono::seconds time) {
        now += time;
        notices.tick(now);
        return journal.lines().size();
    };
    CHECK(pass(1s) == 0);
    metrics.worker(0).tcp_refused.add(2);
    metrics.worker(1).tcp_refused.add(3);
    CHECK(pass(0s) == 0);  // looks once a second
    CHECK(pass(1s) == 1);
    CHECK(journal.lines().back().starts_with("5 TCP connections were closed at once: "));
    metrics.worker(0).tcp_refused.add(7);
    CHECK(pass(599s) == 1);
    CHECK(pass(1s) == 2);
    CHECK(journal.lines().back().starts_with("7 TCP connections "));
    CHECK(pass(3600s) == 2);  // it is over

    metrics.worker(1).rejected_forwards.add(4);
    metrics.worker(0).overflows.add(6);
    CHECK(pass(1s) == 4);
    CHECK(journal.lines()[2].starts_with("4 queries were refused: "));
    CHECK(journal.lines()[3].starts_with("6 datagrams were lost: "));
}

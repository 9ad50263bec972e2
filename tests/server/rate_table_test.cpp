#include "server/rate_table.h"

#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "zones/hash.h"

using server::Rate;
using server::RateTable;
using namespace std::chrono_literals;
using Time = RateTable::Clock::time_point;

namespace {

constexpr Time kTableStart = Time(1'000'000s);

std::uint64_t hash_of(std::uint64_t client) {
    return zones::keyed_hash({1, 2}, {reinterpret_cast<const char*>(&client), sizeof client});
}

/// How many of `tries` at that moment are allowed.
int allowed_of(RateTable& table, std::uint64_t client, const Rate& rate, Time at, int tries) {
    int allowed = 0;
    for (int i = 0; i < tries; ++i) {
        allowed += table.take(hash_of(client), rate, at).allowed ? 1 : 0;
    }
    return allowed;
}

}  // namespace

TEST_CASE("a burst at once, then as many as come back in time, and never more than the burst") {
    const Rate rate(100, 20);
    RateTable table(1024, rate.most);
    CHECK(allowed_of(table, 1, rate, kTableStart, 50) == 20);
    CHECK(allowed_of(table, 1, rate, kTableStart, 50) == 0);
    CHECK(allowed_of(table, 1, rate, kTableStart + 9ms, 50) == 0);
    CHECK(allowed_of(table, 1, rate, kTableStart + 51ms, 50) == 5);
    CHECK(allowed_of(table, 1, rate, kTableStart + 1h, 50) == 20);
}

TEST_CASE("who asks without end gets its rate, whatever else it asks for") {
    for (const double per_second : {1.0, 7.0, 1000.0, 100'000.0, 1'000'000.0}) {
        CAPTURE(per_second);
        const Rate rate(per_second, 1);
        RateTable table(8, rate.most);
        const auto step =
            std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / per_second / 50));
        int allowed = 0;
        for (int i = 0; i < 50'000; ++i) {
            allowed += table.take(hash_of(1), rate, kTableStart + i * step).allowed ? 1 : 0;
        }
        CHECK(allowed > (per_second > 100'000 ? 900 : 970));  // of 1000; the clock has steps
        CHECK(allowed <= 1001);
    }
}

TEST_CASE("each has a bucket of its own") {
    const Rate rate(10, 10);
    RateTable table(4096, rate.most);
    for (std::uint64_t client = 0; client < 1000; ++client) {
        CHECK(allowed_of(table, client, rate, kTableStart, 11) == 10);
    }
}

TEST_CASE("a million forged newcomers give nothing back to who has used up its own") {
    const Rate rate(10, 20);
    RateTable table(1024, rate.most);
    CHECK(allowed_of(table, 0, rate, kTableStart, 100) == 20);
    std::uint64_t evicted = 0;
    for (std::uint64_t forged = 1; forged <= 1'000'000; ++forged) {
        const auto taken = table.take(hash_of(forged), rate, kTableStart);
        CHECK_MESSAGE(taken.allowed, "a newcomer was refused");
        evicted += taken.evicted ? 1 : 0;
    }
    CHECK(evicted > 900'000);
    CHECK(allowed_of(table, 0, rate, kTableStart, 100) == 0);
    CHECK(allowed_of(table, 0, rate, kTableStart + 1s, 100) == 10);
}

TEST_CASE("buckets that are full again make room, and that is no eviction") {
    const Rate rate(1000, 10);
    RateTable table(64, rate.most);
    std::uint64_t evicted = 0;
    for (std::uint64_t client = 0; client < 100'000; ++client) {
        evicted += table.take(hash_of(client), rate, kTableStart + client * 1ms).evicted ? 1 : 0;
    }
    CHECK(evicted == 0);
}

TEST_CASE("in debt: who goes on gets nothing, until it has been quiet for long enough") {
    const Rate rate = Rate(10, 10).in_debt_up_to(15s);
    RateTable table(64, rate.most);
    for (int i = 0; i < 100; ++i) {  // for ten seconds, a hundred times as fast as it may
        const int allowed = allowed_of(table, 1, rate, kTableStart + i * 100ms, 100);
        CHECK(allowed == (i == 0 ? 10 : 0));
    }
    CHECK(allowed_of(table, 1, rate, kTableStart + 10s + 14s, 1) == 0);
    CHECK(allowed_of(table, 1, rate, kTableStart + 10s + 17s, 100) > 0);
}

TEST_CASE("what a bucket says is forgotten, also once its clock has come round") {
    const Rate rate(1, 60);
    for (int hours = 1; hours <= 700; ++hours) {  // it comes round after 312.75
        CAPTURE(hours);
        RateTable table(8, rate.most);
        CHECK(allowed_of(table, 1, rate, kTableStart, 100) == 60);
        CHECK(allowed_of(table, 1, rate, kTableStart + hours * 1h, 100) == 60);
    }
}

TEST_CASE("workers whose clocks are a batch apart agree") {
    const Rate rate(1000, 10);
    RateTable table(8, rate.most);
    CHECK(allowed_of(table, 1, rate, kTableStart + 5ms, 100) == 10);
    CHECK(allowed_of(table, 1, rate, kTableStart, 100) == 0);
    CHECK(allowed_of(table, 1, rate, kTableStart + 5ms, 100) == 0);
}

TEST_CASE("several threads together get what one would") {
    const Rate rate(1000, 100'000);
    RateTable table(64, rate.most);
    std::atomic<int> allowed = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] { allowed += allowed_of(table, 1, rate, kTableStart, 50'000); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    // Who finds the bucket taken eight times in a row passes: a few at the most.
    CHECK(allowed.load() >= 100'000);
    CHECK(allowed.load() < 101'000);
}

TEST_CASE("a table is as large as was asked, in powers of two") {
    CHECK(RateTable(1, 1).buckets() == 8);
    CHECK(RateTable(8, 1).buckets() == 8);
    CHECK(RateTable(9, 1).buckets() == 16);
    CHECK(RateTable(65'536, 1).buckets() == 65'536);
}

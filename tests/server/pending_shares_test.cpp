#include "server/pending_shares.h"

#include <doctest/doctest.h>

using server::PendingShares;

namespace {

/// Takes places for that client until it gets no more, and returns how many it got.
std::size_t fill(PendingShares& shares, std::uint64_t client, std::size_t& taken,
                 std::size_t places) {
    const auto place = shares.place_of(client, 0);
    std::size_t got = 0;
    while (PendingShares::may_have_more(shares.held(place), taken, places)) {
        shares.add(place);
        ++taken;
        ++got;
    }
    return got;
}

}  // namespace

TEST_CASE("a client alone gets three quarters of the places") {
    PendingShares shares({1, 2});
    std::size_t taken = 0;
    CHECK(fill(shares, 1, taken, 10'000) == 7500);
    CHECK(fill(shares, 2, taken, 10'000) == 1875);
}

TEST_CASE("as many as want all get even shares once places come back, and leave some to the next") {
    for (const std::size_t clients : {2U, 4U, 50U}) {
        CAPTURE(clients);
        PendingShares shares({1, 2});
        constexpr std::size_t kPlaces = 1000;
        std::size_t taken = 0;
        for (int round = 0; round < 1000; ++round) {  // each in turn: one back, then all it can get
            for (std::uint64_t client = 0; client < clients; ++client) {
                const auto place = shares.place_of(client, 0);
                if (shares.held(place) > 0) {
                    shares.remove(place);
                    --taken;
                }
                fill(shares, client, taken, kPlaces);
            }
        }
        for (std::uint64_t client = 0; client < clients; ++client) {
            const std::size_t held = shares.held(shares.place_of(client, 0));
            CHECK(held > kPlaces / clients / 2);
            CHECK(held < kPlaces / clients * 2);
        }
        CHECK(taken < kPlaces);
        CHECK(fill(shares, 1000, taken, kPlaces) > 0);
    }
}

TEST_CASE("few places may all be one client's, and there is never one too many") {
    for (std::size_t places = 1; places <= 3; ++places) {
        PendingShares shares({1, 2});
        std::size_t taken = 0;
        CHECK(fill(shares, 1, taken, places) == places);
        CHECK_FALSE(PendingShares::may_have_more(0, taken, places));
    }
}

TEST_CASE("what is held is counted for a client and a line, up and down") {
    PendingShares shares({1, 2});
    const auto all = shares.place_of(1, 0);
    const auto line = shares.place_of(1, 1);
    shares.add(all);
    shares.add(all);
    shares.add(line);
    CHECK(shares.held(all) == 2);
    CHECK(shares.held(line) == 1);
    CHECK(shares.held(shares.place_of(2, 0)) == 0);
    CHECK(shares.held(shares.place_of(1, 2)) == 0);
    shares.remove(all);
    shares.remove(line);
    CHECK(shares.held(all) == 1);
    CHECK(shares.held(line) == 0);
}

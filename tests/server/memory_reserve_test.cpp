#include "server/memory_reserve.h"

#include <new>

#include <doctest/doctest.h>

#include "tests/server/journal_lines.h"

using namespace server;
using namespace server::testing;
using namespace std::chrono_literals;

TEST_CASE("the reserve of memory is given away a block at a time, told of, and taken anew") {
    JournalLines journal;
    {
        MemoryReserve reserve(journal);
        auto now = MemoryReserve::Clock::now();
        reserve.tick(now);
        CHECK_FALSE(memory_is_short());
        CHECK(journal.lines().empty());

        const auto want_memory = std::get_new_handler();
        REQUIRE(bool(want_memory != nullptr));
        for (std::size_t i = 0; i < MemoryReserve::kBlocks; ++i) {
            CHECK_NOTHROW(want_memory());
            CHECK(memory_is_short());
        }
        CHECK_THROWS_AS(want_memory(), std::bad_alloc);
        reserve.tick(now);
        reserve.tick(now);
        REQUIRE(journal.lines().size() == 1);
        CHECK(journal.lines()[0].starts_with("no memory is left: "));
        CHECK(memory_is_short());

        reserve.tick(now + 1s);
        CHECK_FALSE(memory_is_short());
        CHECK(journal.lines().back() == "there is memory again");
        CHECK_NOTHROW(want_memory());
        CHECK(memory_is_short());
    }
    CHECK_FALSE(memory_is_short());
    CHECK(bool(std::get_new_handler() == nullptr));
}

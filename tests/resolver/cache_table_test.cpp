// The index and the bounds of one table, against a map that does the same plainly.
#include "resolver/cache_table.h"

#include <cstring>
#include <map>
#include <random>

#include <doctest/doctest.h>

using resolver::CacheEntry;
using resolver::CacheTable;

namespace {

using Clock = CacheEntry::Clock;

struct Table {
    Table(std::size_t entries, std::size_t octets) : places(CacheTable::places_for(entries)) {
        table.set_bounds(entries, octets, places);
    }

    std::size_t insert(std::uint64_t hash, std::size_t size, std::uint8_t first) {
        CacheEntry entry;
        entry.hash = hash;
        entry.octets = std::make_unique<std::uint8_t[]>(size);
        entry.octets[0] = first;
        entry.size = static_cast<std::uint32_t>(size);
        entry.lifetime = 60;
        entry.stored = Clock::time_point(std::chrono::hours(1));
        return table.insert(std::move(entry), Clock::time_point(std::chrono::hours(1)));
    }
    /// -1: not there.
    int look(std::uint64_t hash) {
        const CacheEntry* entry = table.find(hash);
        return entry == nullptr ? -1 : entry->octets[0];
    }

    std::vector<CacheTable::Place> places;
    CacheTable table;
};

}  // namespace

TEST_CASE("what is put is found, what is taken out is not, however the places collide") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        Table table(20, 1 << 20);
        std::map<std::uint64_t, std::uint8_t> model;
        for (int i = 0; i < 400; ++i) {
            // Few places, and few tags: 4 of each for 32 hashes.
            const std::uint64_t hash = (random() % 4) << 40 | (random() % 4) << 8 | random() % 2;
            const auto value = static_cast<std::uint8_t>(random());
            if (model.size() == 20 && !model.contains(hash)) {
                table.table.remove(model.begin()->first);
                model.erase(model.begin());
            }
            if (random() % 3 == 0) {
                table.table.remove(hash);
                model.erase(hash);
            } else {
                REQUIRE(table.insert(hash, 1, value) == 0);
                model[hash] = value;
            }
            REQUIRE(table.table.size() == model.size());
            for (const auto& [key, first] : model) {
                REQUIRE(table.look(key) == first);
            }
            REQUIRE((model.contains(hash) || table.look(hash) == -1));
        }
    }
}

TEST_CASE("a table never has more entries, nor octets, than it may") {
    std::mt19937_64 random(8);
    Table table(16, 4096);
    std::size_t evicted = 0;
    constexpr std::size_t kInserted = 1000;
    for (std::size_t i = 0; i < kInserted; ++i) {
        evicted += table.insert(random(), 1 + random() % 900, 0);
        REQUIRE(table.table.size() <= 16);
        REQUIRE(table.table.octets() <= 4096);
    }
    CHECK(table.table.size() + evicted == kInserted);
    CHECK(table.insert(1, 5000, 0) == 0);  // longer than all there is room for
    CHECK(table.look(1) == -1);
}

#include "zones/keyed_table.h"

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_set>

#include <doctest/doctest.h>

using namespace zones;

TEST_CASE("names that collide under std::hash do not under the keyed one") {
    // A table of that many names has a number of buckets that is known to everybody.
    constexpr std::size_t kNames = 2000;
    std::unordered_set<std::string> known;
    known.reserve(kNames);
    const std::size_t buckets = known.bucket_count();
    KeyedTable<int> keyed(kNames, KeyedHash{{1, 2}});
    for (unsigned i = 0; known.size() < kNames; ++i) {
        const std::string name = "prod/web-" + std::to_string(i);
        if (std::hash<std::string>{}(name) % buckets == 7) {
            known.insert(name);
            keyed.emplace(name, 0);
        }
    }
    REQUIRE(known.bucket_count() == buckets);
    CHECK(known.bucket_size(7) == kNames);
    std::size_t longest = 0;
    for (std::size_t i = 0; i < keyed.bucket_count(); ++i) {
        longest = std::max(longest, keyed.bucket_size(i));
    }
    CHECK(longest < 16);
}

#include "server/published.h"

#include <array>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace {

using server::Published;

/// All its parts are equal; knows how many of it there are.
struct Generation {
    explicit Generation(int n) {
        parts.fill(n);
        alive.fetch_add(1);
    }
    ~Generation() {
        parts.fill(-1);  // what a reader would see of a value that was freed too early
        alive.fetch_sub(1);
    }
    Generation(const Generation&) = delete;
    Generation& operator=(const Generation&) = delete;

    bool whole() const {
        for (const int part : parts) {
            if (part != parts.front()) {
                return false;
            }
        }
        return parts.front() >= 0;
    }

    std::array<int, 64> parts;
    static inline std::atomic<int> alive{0};
};

std::shared_ptr<const Generation> generation(int n) {
    return std::make_shared<Generation>(n);
}

/// What one reading thread saw.
struct Seen {
    int last = -1;
    int changes = 0;
    bool torn = false;
    bool went_back = false;
};

Seen read_until(const Published<Generation>& source, int last) {
    Published<Generation>::Reader reader(source);
    Seen seen;
    while (seen.last < last) {
        seen.changes += reader.refresh() ? 1 : 0;
        const Generation& value = reader.current();
        seen.torn = seen.torn || !value.whole();
        seen.went_back = seen.went_back || value.parts.front() < seen.last;
        seen.last = value.parts.front();
    }
    return seen;
}

}  // namespace

TEST_CASE("a reader sees what was published first, and refreshes only for something newer") {
    Published<Generation> source(generation(0));
    Published<Generation>::Reader reader(source);
    CHECK(reader.current().parts.front() == 0);
    CHECK_FALSE(reader.refresh());

    source.publish(generation(1));
    CHECK(reader.current().parts.front() == 0);  // until it asks
    CHECK(reader.refresh());
    CHECK(reader.current().parts.front() == 1);
    CHECK_FALSE(reader.refresh());
}

TEST_CASE("a reader that comes late or was away sees the newest only") {
    Published<Generation> source(generation(0));
    Published<Generation>::Reader away(source);
    for (int n = 1; n <= 5; ++n) {
        source.publish(generation(n));
    }
    CHECK(away.refresh());
    CHECK(away.current().parts.front() == 5);

    Published<Generation>::Reader late(source);
    CHECK(late.current().parts.front() == 5);
    CHECK_FALSE(late.refresh());
}

TEST_CASE("an old value lives as long as a reader holds it, and no longer") {
    const int before = Generation::alive;
    {
        Published<Generation> source(generation(0));
        Published<Generation>::Reader first(source);
        Published<Generation>::Reader second(source);
        source.publish(generation(1));
        CHECK(Generation::alive == before + 2);
        first.refresh();
        CHECK(Generation::alive == before + 2);  // the second still has it
        CHECK(second.current().whole());
        second.refresh();
        CHECK(Generation::alive == before + 1);

        source.publish(generation(2));
        source.publish(generation(3));
        CHECK(Generation::alive == before + 2);  // nobody ever had 2
    }
    CHECK(Generation::alive == before);
}

TEST_CASE("many readers and one writer: every value whole, never an older one, all freed") {
    constexpr int kLast = 20000;
    constexpr std::size_t kReaders = 4;
    const int before = Generation::alive;
    {
        Published<Generation> source(generation(0));
        std::array<Seen, kReaders> seen;
        std::vector<std::thread> threads;
        for (Seen& mine : seen) {
            threads.emplace_back([&] { mine = read_until(source, kLast); });
        }
        for (int n = 1; n <= kLast; ++n) {
            source.publish(generation(n));
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (const Seen& one : seen) {
            CHECK_FALSE(one.torn);
            CHECK_FALSE(one.went_back);
            CHECK(one.last == kLast);
        }
        CHECK(Generation::alive == before + 1);
    }
    CHECK(Generation::alive == before);
}

TEST_CASE("several writers, one after the other under a lock of theirs, lose nothing") {
    constexpr int kEach = 5000;
    Published<Generation> source(generation(0));
    std::mutex writer;
    int next = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < kEach; ++n) {
                const std::lock_guard lock(writer);
                source.publish(generation(++next));
            }
        });
    }
    const Seen seen = read_until(source, 2 * kEach);
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK_FALSE(seen.torn);
    CHECK_FALSE(seen.went_back);
}

#include "server/rate_table.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace server {
namespace {

constexpr unsigned kTagBits = 20;
constexpr unsigned kTimeBits = 64 - kTagBits;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
constexpr unsigned kTickShift = 6;  // a tick is 64 ns: the times of 13 days can be told apart
constexpr double kTicksPerSecond = 1e9 / (1U << kTickShift);
constexpr std::uint64_t kSecond = 1'000'000'000ULL >> kTickShift;
constexpr std::uint64_t kMostCapacity = 3600 * kSecond;
constexpr std::uint64_t kApart = 10 * kSecond;  // more than workers' clocks ever are
constexpr int kTries = 8;  // then others come to this line faster than anybody can count

std::uint64_t ticks(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count()) >> kTickShift;
}

/// From `now` to the time in `bucket`; 0 if that has passed. What is farther off than any can be
/// has stood there for days, until the clock came round.
std::uint64_t ahead(std::uint64_t bucket, std::uint64_t now, std::uint64_t longest) {
    const std::uint64_t ticks = (bucket - now) & kTimeMask;
    return ticks > longest ? 0 : ticks;
}

constexpr std::uint64_t tag_of(std::uint64_t word) {
    return word & ~kTimeMask;
}

/// Where a bucket is, or may be put.
struct BucketPlace {
    std::size_t at = 0;
    std::uint64_t word = 0;   // what stands there
    std::uint64_t ahead = 0;  // of the one that is looked for
    bool evicts = false;      // another, which is not full
};

/// The bucket of that tag; else the one that can best be done without.
template <typename Buckets>
BucketPlace find_place(const Buckets& buckets, std::uint64_t tag, std::uint64_t now,
                       std::uint64_t longest) {
    BucketPlace place;
    std::uint64_t least = ~std::uint64_t{0};
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        const std::uint64_t word = buckets[i].load(std::memory_order_relaxed);
        const std::uint64_t to_full = ahead(word, now, longest);
        if (tag_of(word) == tag) {
            return {i, word, to_full, false};
        }
        if (to_full < least) {
            least = to_full;
            place = {i, word, 0, to_full > 0};
        }
    }
    return place;
}

}  // namespace

Rate::Rate(double per_second, double burst)
    : interval(std::clamp<std::uint64_t>(
          static_cast<std::uint64_t>(std::llround(kTicksPerSecond / per_second)), 1,
          kMostCapacity)),
      capacity(std::min(kMostCapacity, static_cast<std::uint64_t>(std::max(1.0, burst) *
                                                                  static_cast<double>(interval)))),
      most(capacity) {}

Rate& Rate::in_debt_up_to(std::chrono::nanoseconds debt) {
    most = std::min(kMostCapacity, capacity + ticks(debt));
    return *this;
}

RateTable::RateTable(std::size_t buckets, std::uint64_t longest)
    : lines_(std::bit_ceil(std::max(buckets, kWays)) / kWays), longest_(longest + kApart) {}

RateTable::Taken RateTable::take(std::uint64_t hash, const Rate& rate, Clock::time_point now) {
    Line& line = lines_[hash & (lines_.size() - 1)];
    const std::uint64_t tag = tag_of(hash);
    const std::uint64_t at = ticks(now.time_since_epoch()) & kTimeMask;
    for (int tries = 0; tries < kTries; ++tries) {
        BucketPlace place = find_place(line.buckets, tag, at, longest_);
        const std::uint64_t next = place.ahead + rate.interval;
        const bool allowed = next <= rate.capacity;
        if (!allowed && (rate.most == rate.capacity || place.ahead >= rate.most)) {
            return {};  // who has nothing pays nothing
        }
        const std::uint64_t full_at = at + (allowed ? next : std::min(next, rate.most));
        if (line.buckets[place.at].compare_exchange_weak(place.word, tag | (full_at & kTimeMask),
                                                         std::memory_order_relaxed)) {
            return {allowed, place.evicts};
        }
    }
    return {true, false};
}

}  // namespace server

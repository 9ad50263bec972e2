// How fast each of very many comes: a bucket for each, in a table whose size is fixed.
// Knows hashes and rates; knows nothing of clients. All workers share one: a bucket is one atomic
// word, there is no lock, and nothing is allocated. Who is not in the table has a full bucket. One
// that is full again holds no news and makes room; where none is, the fullest of its line goes, so
// that no number of newcomers pushes out who has used up its own.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace server {

/// Of a bucket, as the generic cell rate algorithm has it (ITU-T I.371 Annex A): the time at which
/// it is full again says all about it.
struct Rate {
    /// `per_second`, up to 1,000,000, in the long run, and `burst` at once, 1 at least; an hour's
    /// worth at most.
    Rate(double per_second, double burst);
    /// Who comes though the bucket is empty pays all the same, for that long at most: an attack has
    /// to end before anybody gets anything again.
    Rate& in_debt_up_to(std::chrono::nanoseconds debt);

    std::uint64_t interval;  // in ticks, until one is there again
    std::uint64_t capacity;  // until all are there again
    std::uint64_t most;      // `capacity`, and the debt
};

class RateTable {
  public:
    using Clock = std::chrono::steady_clock;

    /// `buckets` are rounded up to a power of two, 8 at least. No rate has a `most` above
    /// `longest`.
    RateTable(std::size_t buckets, std::uint64_t longest);

    struct Taken {
        bool allowed = false;
        bool evicted = false;  // another had to go whose bucket was not full
    };
    /// One more comes to the bucket of `hash`, a keyed one, whose bits are all used. Any thread.
    /// Workers' clocks may differ by what a batch takes.
    Taken take(std::uint64_t hash, const Rate& rate, Clock::time_point now);

    std::size_t buckets() const { return lines_.size() * kWays; }

  private:
    static constexpr std::size_t kWays = 8;
    using Bucket = std::atomic<std::uint64_t>;  // kTagBits of its hash, and when it is full
    struct alignas(64) Line {
        std::array<Bucket, kWays> buckets{};
    };

    std::vector<Line> lines_;
    std::uint64_t longest_;
};

}  // namespace server

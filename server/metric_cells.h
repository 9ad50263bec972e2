// Numbers that one thread counts and another reads: what metrics are made of while queries run.
// Knows no names and no labels. add() and observe() are for one thread, get() for any: loads and
// stores without order or lock, which cost what a plain counter costs. A reader may see a histogram
// a few observations apart from its sum.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace server {

class Count {
  public:
    void add(std::uint64_t more = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Durations in nanoseconds, with CoreDNS's buckets for them: 0.25 ms, doubled 15 times.
struct TimeScale {
    static constexpr std::size_t kBounds = 16;
    static constexpr double kUnitsPerShown = 1e9;  // shown in seconds
    static constexpr std::uint64_t kFirst = 250'000;

    static constexpr double bound(std::size_t i) {
        return static_cast<double>(kFirst << i) / kUnitsPerShown;
    }
    static constexpr std::size_t bucket(std::uint64_t value) {
        const auto steps = value == 0 ? 0 : std::bit_width((value - 1) / kFirst);
        return std::min<std::size_t>(static_cast<std::size_t>(steps), kBounds);
    }
};

/// Octets, with CoreDNS's buckets for messages.
struct SizeScale {
    static constexpr std::array<std::uint32_t, 14> kUpTo = {
        0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16'000, 32'000, 48'000, 64'000};
    static constexpr std::size_t kBounds = kUpTo.size();
    static constexpr double kUnitsPerShown = 1;

    static constexpr double bound(std::size_t i) { return kUpTo[i]; }
    static constexpr std::size_t bucket(std::uint64_t value) {
        std::size_t i = 0;
        while (i < kBounds && value > kUpTo[i]) {
            ++i;
        }
        return i;
    }
};

template <typename Scale>
struct HistogramCell {
    void observe(std::uint64_t value, std::uint64_t times = 1) {
        buckets[Scale::bucket(value)].add(times);
        sum.add(value * times);
    }

    std::array<Count, Scale::kBounds + 1> buckets;  // each for itself; the last is above all bounds
    Count sum;
};

/// One of a kind for each worker, on cache lines of its own. Stays where it is.
template <typename Cells>
class PerWorker {
  public:
    static_assert(alignof(Cells) >= 64);

    explicit PerWorker(std::size_t workers)
        : size_(workers), cells_(std::make_unique<Cells[]>(workers)) {}

    Cells& operator[](std::size_t worker) { return cells_[worker]; }
    const Cells* begin() const { return cells_.get(); }
    const Cells* end() const { return cells_.get() + size_; }

  private:
    std::size_t size_;
    std::unique_ptr<Cells[]> cells_;
};

}  // namespace server

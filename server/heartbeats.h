// Whether the loops of all workers still turn.
// Knows when each was last heard of; nothing of what it does. Workers write their own number, any
// thread may ask. Outlives the workers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace server {

class Heartbeats {
  public:
    using Clock = std::chrono::steady_clock;

    /// Ten times as long as any loop may be busy, and what a probe's patience adds up to.
    static constexpr std::chrono::nanoseconds kLimit{std::chrono::seconds(5)};

    explicit Heartbeats(std::size_t workers)
        : workers_(workers), last_(std::make_unique<Beat[]>(workers)) {}

    /// The loop of `worker` has turned; at least once a second, on its own thread.
    void beat(std::size_t worker, Clock::time_point now) {
        last_[worker].at.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    }

    /// The loop of `worker` ends by itself: no beat is expected any more.
    void rest(std::size_t worker) { last_[worker].at.store(kNone, std::memory_order_relaxed); }

    /// A worker that has begun has not been heard of for kLimit.
    bool stuck(Clock::time_point now) const {
        for (const Beat& beat : std::span(last_.get(), workers_)) {
            const std::int64_t last = beat.at.load(std::memory_order_relaxed);
            if (last != kNone && now.time_since_epoch().count() - last > kLimit.count()) {
                return true;
            }
        }
        return false;
    }

  private:
    static constexpr std::int64_t kNone = 0;
    static_assert(std::is_same_v<Clock::duration, std::chrono::nanoseconds>);

    /// A cache line of its own: no worker slows another down.
    struct alignas(64) Beat {
        std::atomic<std::int64_t> at{kNone};
    };

    std::size_t workers_;
    std::unique_ptr<Beat[]> last_;
};

}  // namespace server

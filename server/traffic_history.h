// What the process counted during the last minutes: what the page draws.
// Knows sums that only grow; a bounded ring of them. tick() is called by one thread, samples() by
// any.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "server/metrics.h"

namespace server {

struct TrafficSample {
    std::chrono::steady_clock::time_point at;
    std::uint64_t replies = 0, nxdomain = 0, servfail = 0;
    std::array<std::uint64_t, TimeScale::kBounds + 1> durations{};  // replies by duration
};

class TrafficHistory {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::seconds kPeriod{2};
    static constexpr std::chrono::seconds kLength{300};

    /// As often as one likes: takes a sample each kPeriod.
    void tick(const Metrics& metrics, Clock::time_point now);

    /// Oldest first; no two of one moment.
    std::vector<TrafficSample> samples() const;

  private:
    mutable std::mutex mutex_;  // guards samples_
    std::deque<TrafficSample> samples_;
    Clock::time_point next_{};  // of the ticking thread
};

TrafficSample sample_of(const Metrics::Totals& totals, std::chrono::steady_clock::time_point at);

/// Between two neighbours of a history.
struct TrafficPoint {
    std::chrono::steady_clock::time_point at;  // of the later one
    std::chrono::steady_clock::duration span;  // since the earlier one
    double rate = 0;                           // replies a second
    std::uint64_t replies = 0, nxdomain = 0, servfail = 0;
    /// Bucket of TimeScale within which that part of the replies was; -1: there were none.
    int half = -1, most = -1;  // 50 %, 99 %
};

std::vector<TrafficPoint> points_of(const std::vector<TrafficSample>& samples);

/// From the earlier to the later one.
TrafficPoint point_between(const TrafficSample& earlier, const TrafficSample& later);

}  // namespace server

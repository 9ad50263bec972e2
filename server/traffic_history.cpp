#include "server/traffic_history.h"

#include <cmath>
#include <numeric>

namespace server {
namespace {

constexpr std::size_t kNxdomain = 3, kServfail = 2;  // RFC 1035 §4.1.1

/// The bucket in which the reply stands that `part` of all are not slower than.
int bucket_of(const std::array<std::uint64_t, TimeScale::kBounds + 1>& counts, double part) {
    const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    if (all == 0) {
        return -1;
    }
    const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(all) * part));
    std::uint64_t so_far = 0;
    std::size_t bucket = 0;
    while ((so_far += counts[bucket]) < wanted) {
        ++bucket;
    }
    return static_cast<int>(bucket);
}

}  // namespace

TrafficSample sample_of(const Metrics::Totals& totals, TrafficHistory::Clock::time_point at) {
    TrafficSample sample{.at = at,
                         .nxdomain = totals.responses[kNxdomain],
                         .servfail = totals.responses[kServfail],
                         .durations = totals.durations};
    sample.replies =
        std::accumulate(totals.responses.begin(), totals.responses.end(), std::uint64_t{0});
    return sample;
}

void TrafficHistory::tick(const Metrics& metrics, Clock::time_point now) {
    if (now < next_) {
        return;
    }
    next_ = now + kPeriod;
    const TrafficSample sample = sample_of(metrics.totals(), now);
    const std::lock_guard lock(mutex_);
    samples_.push_back(sample);
    while (now - samples_.front().at > kLength) {
        samples_.pop_front();
    }
}

std::vector<TrafficSample> TrafficHistory::samples() const {
    const std::lock_guard lock(mutex_);
    return {samples_.begin(), samples_.end()};
}

TrafficPoint point_between(const TrafficSample& earlier, const TrafficSample& later) {
    TrafficPoint point{.at = later.at,
                       .span = later.at - earlier.at,
                       .replies = later.replies - earlier.replies,
                       .nxdomain = later.nxdomain - earlier.nxdomain,
                       .servfail = later.servfail - earlier.servfail};
    const double seconds = std::chrono::duration<double>(point.span).count();
    point.rate = seconds > 0 ? static_cast<double>(point.replies) / seconds : 0;
    auto counts = later.durations;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        counts[i] -= earlier.durations[i];
    }
    point.half = bucket_of(counts, 0.5);
    point.most = bucket_of(counts, 0.99);
    return point;
}

std::vector<TrafficPoint> points_of(const std::vector<TrafficSample>& samples) {
    std::vector<TrafficPoint> points;
    for (std::size_t i = 1; i < samples.size(); ++i) {
        points.push_back(point_between(samples[i - 1], samples[i]));
    }
    return points;
}

}  // namespace server

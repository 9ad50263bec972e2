// Counters, gauges and histograms of what happens seldom: by name and labels, under a lock.
// Not for the query path, which has cells (metric_cells.h). Any thread; nothing is borrowed but the
// names, which are constants.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/metric_names.h"

namespace server {

/// In the order in which they are shown.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// One series: what a scrape reads.
struct Sample {
    const MetricName* name = nullptr;
    Labels labels{};
    double value = 0;                      // of a histogram: the sum
    std::vector<std::uint64_t> buckets{};  // one per bound, and one above all; each for itself
};

class RareMetrics {
  public:
    void add(const MetricName& name, const Labels& labels = {}, std::uint64_t more = 1);
    void set(const MetricName& name, const Labels& labels, double value);
    /// `value` in the unit of the bounds.
    void observe(const MetricName& name, const Labels& labels, double value);
    /// In place of all gauges of that name, at once: each is 1.
    void replace(const MetricName& name, const std::vector<Labels>& ones);

    std::vector<Sample> samples() const;

  private:
    Sample& series(const MetricName& name, const Labels& labels);

    mutable std::mutex mutex_;
    std::map<std::pair<const MetricName*, Labels>, Sample> series_;
};

}  // namespace server

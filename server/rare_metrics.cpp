#include "server/rare_metrics.h"

#include <algorithm>

namespace server {

Sample& RareMetrics::series(const MetricName& name, const Labels& labels) {
    const auto [place, fresh] = series_.try_emplace({&name, labels});
    if (fresh) {
        place->second.name = &name;
        place->second.labels = labels;
    }
    return place->second;
}

void RareMetrics::add(const MetricName& name, const Labels& labels, std::uint64_t more) {
    const std::lock_guard lock(mutex_);
    series(name, labels).value += static_cast<double>(more);
}

void RareMetrics::set(const MetricName& name, const Labels& labels, double value) {
    const std::lock_guard lock(mutex_);
    series(name, labels).value = value;
}

void RareMetrics::observe(const MetricName& name, const Labels& labels, double value) {
    const std::lock_guard lock(mutex_);
    Sample& sample = series(name, labels);
    sample.buckets.resize(name.bounds.size() + 1);
    const auto bound = std::ranges::lower_bound(name.bounds, value);
    ++sample.buckets[static_cast<std::size_t>(bound - name.bounds.begin())];
    sample.value += value;
}

void RareMetrics::replace(const MetricName& name, const std::vector<Labels>& ones) {
    const std::lock_guard lock(mutex_);
    std::erase_if(series_, [&](const auto& one) { return one.first.first == &name; });
    for (const Labels& labels : ones) {
        series(name, labels).value = 1;
    }
}

std::vector<Sample> RareMetrics::samples() const {
    const std::lock_guard lock(mutex_);
    std::vector<Sample> all;
    all.reserve(series_.size());
    for (const auto& [key, sample] : series_) {
        all.push_back(sample);
    }
    return all;
}

}  // namespace server

// Series put together by their names, and written in Prometheus's text format.
// Knows prometheus-cpp, behind its Impl; knows nothing of what is counted. Lives for one scrape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/rare_metrics.h"

namespace server {

class MetricText {
  public:
    /// One more than there are bounds; each for itself.
    using Buckets = std::vector<std::uint64_t>;

    MetricText();
    ~MetricText();
    MetricText(const MetricText&) = delete;
    MetricText& operator=(const MetricText&) = delete;

    /// A counter or gauge; each but once for its labels.
    void value(const MetricName& name, const Labels& labels, double value);
    void histogram(const MetricName& name, const Labels& labels, const Buckets& buckets,
                   double (*bound)(std::size_t), double sum);
    /// Each but once as well.
    void sample(const Sample& sample);
    /// In place of what has the same name and labels, which costs a look at all of that name.
    void replace(const Sample& sample);

    /// Once, and nothing after.
    std::string render() &&;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace server

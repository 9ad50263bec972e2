#include "server/metric_text.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricType type_of(const MetricName& name) {
    switch (name.type) {
        case MetricName::Type::Counter:
            return MetricType::Counter;
        case MetricName::Type::Gauge:
            return MetricType::Gauge;
        case MetricName::Type::Histogram:
            break;
    }
    return MetricType::Histogram;
}

std::vector<ClientMetric::Label> labels_of(const Labels& labels) {
    std::vector<ClientMetric::Label> named;
    named.reserve(labels.size());
    for (const auto& [name, value] : labels) {
        named.push_back({name, value});
    }
    return named;
}

template <typename BoundAt>
ClientMetric::Histogram histogram_of(const std::vector<std::uint64_t>& buckets, double sum,
                                     BoundAt bound_at) {
    ClientMetric::Histogram histogram;
    histogram.sample_sum = sum;
    for (std::size_t i = 0; i + 1 < buckets.size(); ++i) {
        histogram.sample_count += buckets[i];
        histogram.bucket.push_back({histogram.sample_count, bound_at(i)});
    }
    histogram.sample_count += buckets.back();
    return histogram;
}

}  // namespace

struct MetricText::Impl {
    ClientMetric& add(const MetricName& name, const Labels& labels) {
        MetricFamily& family = families[name.name];
        if (family.name.empty()) {
            family.name = name.name;
            family.help = name.help;
            family.type = type_of(name);
        }
        family.metric.emplace_back().label = labels_of(labels);
        return family.metric.back();
    }

    void set(const MetricName& name, const Labels& labels, double value) {
        ClientMetric& metric = add(name, labels);
        (name.type == MetricName::Type::Counter ? metric.counter.value : metric.gauge.value) =
            value;
    }

    /// A part that comes may be there before the one that it replaces has gone.
    void forget(const MetricName& name, const Labels& labels) {
        const auto family = families.find(name.name);
        if (family != families.end()) {
            std::erase_if(family->second.metric, [named = labels_of(labels)](const auto& metric) {
                return metric.label == named;
            });
        }
    }

    std::map<std::string_view, MetricFamily> families;
};

MetricText::MetricText() : impl_(std::make_unique<Impl>()) {}

MetricText::~MetricText() = default;

void MetricText::value(const MetricName& name, const Labels& labels, double value) {
    impl_->set(name, labels, value);
}

void MetricText::histogram(const MetricName& name, const Labels& labels, const Buckets& buckets,
                           double (*bound)(std::size_t), double sum) {
    impl_->add(name, labels).histogram = histogram_of(buckets, sum, bound);
}

void MetricText::sample(const Sample& sample) {
    if (sample.name->type != MetricName::Type::Histogram) {
        impl_->set(*sample.name, sample.labels, sample.value);
        return;
    }
    impl_->add(*sample.name, sample.labels).histogram = histogram_of(
        sample.buckets, sample.value, [&](std::size_t i) { return sample.name->bounds[i]; });
}

void MetricText::replace(const Sample& sample_of_part) {
    impl_->forget(*sample_of_part.name, sample_of_part.labels);
    sample(sample_of_part);
}

std::string MetricText::render() && {
    std::vector<MetricFamily> families;
    families.reserve(impl_->families.size());
    for (auto& [name, family] : impl_->families) {
        families.push_back(std::move(family));
    }
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families);
    return std::move(out).str();
}

}  // namespace server

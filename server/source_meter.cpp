#include "server/source_meter.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "server/seconds.h"

namespace server {
namespace {

/// Names of Services are lower case, at most 63 octets, and checked.
std::string wire_labels(const std::string& service, const std::string& ns) {
    std::string labels;
    for (const std::string& label : {service, ns}) {
        labels += static_cast<char>(label.size());
        labels += label;
    }
    return labels;
}

}  // namespace

SourceMeter::SourceMeter(RareMetrics& metrics, std::string host, Cluster& cluster)
    : metrics_(metrics),
      host_(std::move(host)),
      verb_and_host_{{"verb", "GET"}, {"host", host_}},
      cluster_(cluster) {
    metrics_.add(metric::kApiRepaired, {{"host", host_}}, 0);
    SourceMeter::refused_objects(0);
}

void SourceMeter::answered(int status) {
    metrics_.add(metric::kApiRequests, {{"code", status == 0 ? "<error>" : std::to_string(status)},
                                        {"method", "GET"},
                                        {"host", host_}});
}

void SourceMeter::took(std::chrono::nanoseconds duration) {
    metrics_.observe(metric::kApiDuration, verb_and_host_, in_seconds(duration));
}

void SourceMeter::held_back(std::chrono::nanoseconds duration) {
    metrics_.observe(metric::kApiLimiter, verb_and_host_, in_seconds(duration));
}

void SourceMeter::listed(std::string_view resource) {
    const Labels labels{{"host", host_}, {"resource", std::string(resource)}};
    metrics_.add(metric::kApiRelists, labels);
    metrics_.add(metric::kApiMalformed, labels, 0);
}

void SourceMeter::repaired(std::uint64_t objects) {
    metrics_.add(metric::kApiRepaired, {{"host", host_}}, objects);
}

void SourceMeter::malformed(std::string_view resource) {
    metrics_.add(metric::kApiMalformed, {{"host", host_}, {"resource", std::string(resource)}});
}

void SourceMeter::refused_objects(std::uint64_t count) {
    metrics_.add(metric::kRefusedObjects, {{"source", host_}}, count);
}

void SourceMeter::apply(std::span<const k8s_client::Change> changes) {
    cluster_.apply(changes);
    std::shared_ptr<const zones::Snapshot> snapshot;
    for (const k8s_client::Change& change : changes) {
        const auto* slice = std::get_if<k8s_client::EndpointSlice>(&change.object);
        if (slice == nullptr || !slice->triggered.at ||
            change.type == k8s_client::Change::Type::Deleted) {
            continue;
        }
        if (snapshot == nullptr) {
            snapshot = cluster_.published().value();
        }
        observe(*slice, *snapshot);
    }
}

/// As CoreDNS: of Services that are known, by what they are.
void SourceMeter::observe(const k8s_client::EndpointSlice& slice, const zones::Snapshot& snapshot) {
    const auto* service = snapshot.find_service(wire_labels(slice.service_name, slice.meta.ns));
    if (service == nullptr) {
        return;
    }
    using Kind = zones::ServiceRecords::Kind;
    const char* kind = service->kind == Kind::Headless    ? "headless_with_selector"
                       : service->kind == Kind::ClusterIp ? "cluster_ip"
                                                          : nullptr;
    if (kind != nullptr) {
        const auto passed = std::chrono::system_clock::now() - *slice.triggered.at;
        metrics_.observe(metric::kProgramming, {{"service_kind", kind}},
                         std::max(in_seconds(passed), 0.0));
    }
}

ManifestMeter::ManifestMeter(RareMetrics& metrics, Cluster& cluster)
    : metrics_(metrics), cluster_(cluster) {
    ManifestMeter::refused_objects(0);
    metrics_.add(metric::kRefusedFiles, {{"file", "manifests"}}, 0);
}

void ManifestMeter::refused_objects(std::uint64_t count) {
    metrics_.add(metric::kRefusedObjects, {{"source", "manifests"}}, count);
}

void ManifestMeter::refused_file() {
    metrics_.add(metric::kRefusedFiles, {{"file", "manifests"}});
}

}  // namespace server

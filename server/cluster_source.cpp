#include "server/cluster_source.h"

#include <algorithm>
#include <utility>

#include "server/api_config.h"
#include "server/stale_snapshot.h"
#include "server/version.h"

namespace server {
namespace {

k8s_client::ApiOptions api_options(const KubernetesConfig& config) {
    k8s_client::ApiOptions options;
    options.access = api_access_of(config.api);
    options.user_agent = std::string("Keryx/") + kVersion;
    options.labels = config.labels;
    options.namespace_labels = config.namespace_labels;
    options.endpoints = !config.options.no_endpoints;
    options.pods = config.options.pods == zones::PodMode::Verified;
    options.limits.per_second = config.api.qps;
    options.limits.burst = static_cast<unsigned>(config.api.burst);
    options.limits.max_in_flight = static_cast<unsigned>(config.api.max_inflight);
    options.resync = config.api.resync;
    return options;
}

SnapshotOptions snapshot_options(const KubernetesConfig& config) {
    return {config.api.snapshot,
            std::chrono::duration_cast<std::chrono::seconds>(config.api.snapshot_max_age),
            snapshot_filters(config.options, config.labels.text(), config.namespace_labels.text())};
}

}  // namespace

ClusterSource::ClusterSource(const KubernetesConfig& config, Cluster& cluster, zones::HashKey key,
                             k8s_client::Journal& journal, Metrics* metrics, bool from_snapshot)
    : cluster_(cluster), startup_timeout_(config.startup_timeout) {
    if (config.manifests.empty()) {
        if (from_snapshot && !config.api.snapshot.empty()) {
            serve_snapshot(config, key, journal);
        }
        start_api(config, journal, metrics);
    } else {
        start_manifests(config, journal, metrics);
    }
}

void ClusterSource::start_manifests(const KubernetesConfig& config, k8s_client::Journal& journal,
                                    Metrics* metrics) {
    k8s_client::ObjectSink* sink = &cluster_;
    if (metrics != nullptr) {
        manifest_meter_ = std::make_unique<ManifestMeter>(metrics->rare(), cluster_);
        sink = manifest_meter_.get();
    }
    manifests_ = std::make_unique<k8s_client::ManifestSource>(
        k8s_client::ManifestOptions{config.manifests, config.labels, config.namespace_labels},
        *sink, journal);
}

void ClusterSource::serve_snapshot(const KubernetesConfig& config, zones::HashKey key,
                                   k8s_client::Journal& journal) {
    cluster_.serve_stale(
        read_stale_snapshot(snapshot_options(config), config.options, key, journal));
}

void ClusterSource::start_api(const KubernetesConfig& config, k8s_client::Journal& journal,
                              Metrics* metrics) {
    k8s_client::ApiOptions options = api_options(config);
    const std::string host = k8s_client::host_and_port(options.access);
    k8s_client::ObjectSink* sink = &cluster_;
    if (metrics != nullptr) {
        meter_ = std::make_unique<SourceMeter>(metrics->rare(), host, cluster_);
        sink = meter_.get();
    }
    api_ =
        std::make_unique<k8s_client::ApiSource>(std::move(options), *sink, journal, meter_.get());
    if (!config.api.snapshot.empty()) {
        start_writer(config, journal, metrics);
    }
    if (metrics != nullptr) {
        reading_ = metrics->show([this, host](auto& samples) { read(samples, host); });
    }
}

void ClusterSource::start_writer(const KubernetesConfig& config, k8s_client::Journal& journal,
                                 Metrics* metrics) {
    SnapshotWriter::Wrote wrote;
    if (metrics != nullptr) {
        wrote = [&rare = metrics->rare()](bool succeeded) {
            rare.add(metric::kSnapshotWrites, {{"result", succeeded ? "success" : "failure"}});
        };
    }
    writer_ = std::make_unique<SnapshotWriter>(
        snapshot_options(config), cluster_, journal, [this] { return as_of(); }, WritePace(),
        std::move(wrote));
}

std::vector<k8s_client::ApiSource::ResourceState> ClusterSource::api_state() const {
    const std::lock_guard lock(mutex_);
    return api_ == nullptr ? std::vector<k8s_client::ApiSource::ResourceState>{} : api_->state();
}

/// By the scrape's thread.
void ClusterSource::read(std::vector<Sample>& samples, const std::string& host) {
    const std::lock_guard lock(mutex_);
    if (api_ == nullptr) {
        return;
    }
    for (const auto& state : api_->state()) {
        const Labels labels{{"host", host}, {"resource", state.resource}};
        const bool heard = state.age.count() >= 0;
        samples.push_back(
            {&metric::kApiAge, labels, heard ? static_cast<double>(state.age.count()) / 1000 : -1});
        samples.push_back({&metric::kApiObjects, labels, static_cast<double>(state.objects)});
    }
}

/// The writer goes last: what the source still brings is to be in the file.
ClusterSource::~ClusterSource() {
    reading_ = {};
    as_of();
    std::unique_ptr<k8s_client::ApiSource> ending;
    {
        const std::lock_guard lock(mutex_);
        ending = std::move(api_);
    }
    ending.reset();
    manifests_.reset();
    writer_.reset();
}

/// When the API server was last heard of, of the resource that was heard of longest ago.
std::chrono::sys_seconds ClusterSource::as_of() {
    const std::lock_guard lock(mutex_);
    if (api_) {
        std::chrono::milliseconds age{0};
        for (const auto& resource : api_->state()) {
            age = std::max(age, resource.age);
        }
        as_of_ = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() - age);
    }
    return as_of_;
}

}  // namespace server

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
                             k8s_client::Journal& journal)
    : cluster_(cluster), startup_timeout_(config.startup_timeout) {
    if (config.manifests.empty()) {
        start_api(config, key, journal);
    } else {
        manifests_ = std::make_unique<k8s_client::ManifestSource>(
            k8s_client::ManifestOptions{config.manifests, config.labels, config.namespace_labels},
            cluster, journal);
    }
}

void ClusterSource::start_api(const KubernetesConfig& config, zones::HashKey key,
                              k8s_client::Journal& journal) {
    k8s_client::ApiOptions options = api_options(config);
    const bool has_snapshot = !config.api.snapshot.empty();
    if (has_snapshot) {
        auto stale = read_stale_snapshot(snapshot_options(config), config.options, key, journal);
        if (stale) {
            cluster_.serve_stale(std::move(stale));
        }
    }
    api_ = std::make_unique<k8s_client::ApiSource>(std::move(options), cluster_, journal);
    if (has_snapshot) {
        writer_ = std::make_unique<SnapshotWriter>(snapshot_options(config), cluster_, journal,
                                                   [this] { return as_of(); });
    }
}

/// The writer goes last: what the source still brings is to be in the file.
ClusterSource::~ClusterSource() {
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

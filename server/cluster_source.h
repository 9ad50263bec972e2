// Where one `kubernetes` block gets its objects from: manifests or an API server; and its snapshot.
// Owns the source, with its threads, and the writer of the snapshot; borrows cluster and journal,
// which outlive it. Made by main before the workers, destroyed after them.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "k8s_client/api_source.h"
#include "k8s_client/manifests.h"
#include "server/cluster.h"
#include "server/config.h"
#include "server/snapshot_writer.h"
#include "server/source_meter.h"

namespace server {

class ClusterSource {
  public:
    /// Manifests have been read when it returns; an API server's lists are under way, and a valid
    /// snapshot is being served. Throws ConfigError or ManifestError.
    /// `metrics` null: nobody counts. Without `from_snapshot` it is ready only with the API
    /// server's own word: for where another source serves meanwhile.
    ClusterSource(const KubernetesConfig& config, Cluster& cluster, zones::HashKey key,
                  k8s_client::Journal& journal, Metrics* metrics = nullptr,
                  bool from_snapshot = true);
    ~ClusterSource();
    ClusterSource(const ClusterSource&) = delete;
    ClusterSource& operator=(const ClusterSource&) = delete;

    bool ready() const { return cluster_.ready(); }
    /// What is known of the API server; empty with manifests. Any thread.
    std::vector<k8s_client::ApiSource::ResourceState> api_state() const;
    /// How long the start may wait for ready().
    std::chrono::milliseconds startup_timeout() const { return startup_timeout_; }

  private:
    void serve_snapshot(const KubernetesConfig& config, zones::HashKey key,
                        k8s_client::Journal& journal);
    void start_api(const KubernetesConfig& config, k8s_client::Journal& journal, Metrics* metrics);
    void start_manifests(const KubernetesConfig& config, k8s_client::Journal& journal,
                         Metrics* metrics);
    void start_writer(const KubernetesConfig& config, k8s_client::Journal& journal,
                      Metrics* metrics);
    void read(std::vector<Sample>& samples, const std::string& host);
    std::chrono::sys_seconds as_of();

    Cluster& cluster_;
    const std::chrono::milliseconds startup_timeout_;
    mutable std::mutex mutex_;  // guards api_ and as_of_ from the writer's thread
    std::chrono::sys_seconds as_of_{};
    std::unique_ptr<SourceMeter> meter_;  // null without metrics, as the next
    std::unique_ptr<ManifestMeter> manifest_meter_;
    std::unique_ptr<k8s_client::ApiSource> api_;
    std::unique_ptr<k8s_client::ManifestSource> manifests_;
    std::unique_ptr<SnapshotWriter> writer_;
    Metrics::Reading reading_;
};

}  // namespace server

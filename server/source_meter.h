// What is counted of one `kubernetes` block: its requests to the API server, and how long changes
// of endpoints take to be answered (k8s-scalability's SLI of DNS programming latency).
// Knows names of metrics and Services; borrows metrics and cluster. Threads of the source call it,
// several at a time perhaps.
#pragma once

#include <string>

#include "k8s_client/api_observer.h"
#include "k8s_client/source.h"
#include "server/cluster.h"
#include "server/metrics.h"

namespace server {

class SourceMeter : public k8s_client::ApiObserver, public k8s_client::ObjectSink {
  public:
    /// `host`: address and port of the API server. What the sink is told goes on to `cluster`.
    SourceMeter(RareMetrics& metrics, std::string host, Cluster& cluster);

    void answered(int status) override;
    void took(std::chrono::nanoseconds duration) override;
    void held_back(std::chrono::nanoseconds duration) override;
    void listed(std::string_view resource) override;
    void repaired(std::uint64_t objects) override;
    void malformed(std::string_view resource) override;

    void apply(std::span<const k8s_client::Change> changes) override;
    void synced() override { cluster_.synced(); }
    void refused_objects(std::uint64_t count) override;

  private:
    void observe(const k8s_client::EndpointSlice& slice, const zones::Snapshot& snapshot);

    RareMetrics& metrics_;
    const std::string host_;
    const Labels verb_and_host_;
    Cluster& cluster_;
};

/// The same of manifests, where only what is left out is counted.
class ManifestMeter : public k8s_client::ObjectSink {
  public:
    ManifestMeter(RareMetrics& metrics, Cluster& cluster);

    void apply(std::span<const k8s_client::Change> changes) override { cluster_.apply(changes); }
    void synced() override { cluster_.synced(); }
    void refused_objects(std::uint64_t count) override;
    void refused_file() override;

  private:
    RareMetrics& metrics_;
    Cluster& cluster_;
};

}  // namespace server

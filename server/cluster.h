// One `kubernetes` block while it runs: objects come in, snapshots go out.
// Owns the store (the writer's side), the zone (how to answer) and what is published. apply() and
// synced() are called by the one thread of the source; workers only read `published` and `zone`.
#pragma once

#include <mutex>

#include "k8s_client/source.h"
#include "server/published.h"
#include "zones/cluster_store.h"
#include "zones/cluster_zone.h"

namespace server {

class Cluster : public k8s_client::ObjectSink {
  public:
    Cluster(const zones::ClusterOptions& options, std::vector<zones::Address> listening,
            zones::HashKey key)
        : zone_(options, std::move(listening)),
          store_(options, key),
          published_(store_.snapshot()) {}

    void apply(std::span<const k8s_client::Change> changes) override;
    void synced() override;

    const zones::ClusterZone& zone() const { return zone_; }
    const Published<zones::Snapshot>& published() const { return published_; }

  private:
    zones::ClusterZone zone_;
    std::mutex writer_;  // one source may have several threads
    zones::ClusterStore store_;
    Published<zones::Snapshot> published_;
};

}  // namespace server

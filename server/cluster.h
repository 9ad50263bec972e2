// One `kubernetes` block while it runs: objects come in, snapshots go out.
// Owns the store (the writer's side), the zone (how to answer) and what is published. apply() and
// synced() are called by the source's threads, serve_stale() before there is a source; workers only
// read `published` and `zone`.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

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

    /// Answers from `stale` (stale_snapshot.h) until synced(): what apply() brings till then is not
    /// seen, so that no name of it is missing meanwhile. Null, or after synced(): nothing happens.
    void serve_stale(std::shared_ptr<const zones::Snapshot> stale);

    /// Answers as it should: from all that was listed, or from a stale snapshot. Any thread.
    bool ready() const { return ready_.load(std::memory_order_acquire); }

    /// When objects last changed; the epoch if they never have. Any thread.
    std::chrono::steady_clock::time_point last_change() const {
        return last_change_.load(std::memory_order_relaxed);
    }

    /// The pods ("namespace/name") of each of `addresses` that has any, where pods are watched.
    /// Looks at all pods: for people, now and then. Any thread.
    std::map<std::string, std::vector<std::string>> pods_at(
        const std::set<std::string, std::less<>>& addresses) const;

    const zones::ClusterZone& zone() const { return zone_; }
    const Published<zones::Snapshot>& published() const { return published_; }

  private:
    zones::ClusterZone zone_;
    mutable std::mutex
        writer_;  // one source may have several threads; guards all below but `ready_`
    zones::ClusterStore store_;
    Published<zones::Snapshot> published_;
    bool serving_stale_ = false;
    bool synced_ = false;
    std::atomic<bool> ready_{false};
    std::atomic<std::chrono::steady_clock::time_point> last_change_{};
};

}  // namespace server

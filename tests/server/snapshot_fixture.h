// What the tests of snapshots share: a journal that can be waited on, a cluster of one namespace.
// The journal may be written by any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/cluster.h"
#include "server/stale_snapshot.h"
#include "tests/server/blocks.h"
#include "tests/server/objects.h"
#include "tests/support/scratch_folder.h"

namespace server::testing {

inline const zones::ClusterOptions kClusterOptions = kubernetes({"cluster.local"}).options;

inline bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

/// Each with its level in front.
class LevelLines : public k8s_client::Journal {
  public:
    void write(Level level, const std::string& text) override {
        const std::lock_guard lock(mutex_);
        lines_.push_back((level == Level::Warning ? "W " : "I ") + text);
    }
    std::vector<std::string> all() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::size_t with(const std::string& part) const {
        const auto lines = all();
        return static_cast<std::size_t>(
            std::count_if(lines.begin(), lines.end(),
                          [&](const auto& line) { return line.find(part) != line.npos; }));
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// Where a snapshot lies, and of which options.
inline SnapshotOptions snapshot_in(const support::ScratchFolder& folder,
                                   const zones::ClusterOptions& options) {
    SnapshotOptions snapshot;
    snapshot.file = folder.path() / "snapshot";
    snapshot.filters = snapshot_filters(options, "", "");
    return snapshot;
}

inline const zones::ServiceRecords* find(const Cluster& cluster, std::string_view wire_labels) {
    return cluster.published().value()->find_service(wire_labels);
}

}  // namespace server::testing

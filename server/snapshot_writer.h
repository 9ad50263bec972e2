// Keeps the file of `snapshot FILE` up with what a cluster answers.
// Owns a thread that looks at what is published, seldom, and writes it without holding up anyone;
// never what is stale or not synced. Borrows the cluster and the journal, which outlive it. Made
// and destroyed by main, after the sources have stopped, so that the last change is in the file.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "k8s_client/one_line_journal.h"
#include "server/cluster.h"
#include "server/stale_snapshot.h"
#include "server/write_schedule.h"

namespace server {

class SnapshotWriter {
  public:
    /// When what is published was last known to be the cluster's state: now, while the API server
    /// is heard of. Called by the writer's thread.
    using AsOf = std::function<std::chrono::sys_seconds()>;
    static std::chrono::sys_seconds always_now();
    /// Told of each write whether it succeeded, by the writer's thread.
    using Wrote = std::function<void(bool succeeded)>;

    SnapshotWriter(SnapshotOptions options, const Cluster& cluster, k8s_client::Journal& journal,
                   AsOf as_of = always_now, WritePace pace = {}, Wrote wrote = {});
    /// Writes what is not written yet; takes as long as one write.
    ~SnapshotWriter();
    SnapshotWriter(const SnapshotWriter&) = delete;
    SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  private:
    void run();
    void look(bool last);
    void write(const zones::Snapshot& snapshot);
    void report(const std::string& fault);

    SnapshotOptions options_;
    const Cluster& cluster_;
    k8s_client::OneLineJournal journal_;
    AsOf as_of_;
    WritePace pace_;
    Wrote wrote_;  // empty: nobody counts
    WriteSchedule schedule_;
    std::string reported_;  // why the last write failed; empty if it did not
    std::mutex mutex_;      // guards `stopping_`
    std::condition_variable stop_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace server

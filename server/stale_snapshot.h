// The last good state of a cluster, read from a file at start, to answer from until the API server
// does.
// Knows which options decide what such a file holds; knows nothing of its format (snapshot_file.h)
// or of when it is written (snapshot_writer.h). Free functions; called while starting.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "k8s_client/source.h"
#include "zones/cluster_options.h"
#include "zones/snapshot.h"

namespace server {

/// Of one `kubernetes` block: `snapshot FILE` and `snapshot_max_age`.
struct SnapshotOptions {
    std::filesystem::path file;  // absolute
    std::chrono::seconds max_age = std::chrono::hours(24);
    std::string filters;  // of snapshot_filters()
};

/// What decides which objects of a cluster a snapshot holds, as one line. `labels` and
/// `namespace_labels`: selectors as text.
std::string snapshot_filters(const zones::ClusterOptions& options, const std::string& labels,
                             const std::string& namespace_labels);

/// A snapshot to be given to Cluster::serve_stale(). Null, with a line in the journal, if there is
/// none, or if it is not to be used.
std::shared_ptr<const zones::Snapshot> read_stale_snapshot(const SnapshotOptions& snapshot,
                                                           const zones::ClusterOptions& options,
                                                           zones::HashKey key,
                                                           k8s_client::Journal& journal);

}  // namespace server

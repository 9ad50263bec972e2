#include "server/snapshot_writer.h"

#include <utility>

#include "k8s_client/snapshot_file.h"
#include "zones/snapshot_objects.h"

namespace server {
namespace {

using Level = k8s_client::Journal::Level;

constexpr int kWritesPerAge = 4;

/// A file must not be too old for a start only because the cluster is a quiet one.
WritePace paced(WritePace pace, std::chrono::seconds max_age) {
    pace.refresh = std::min(pace.refresh, max_age / kWritesPerAge);
    return pace;
}

}  // namespace

std::chrono::sys_seconds SnapshotWriter::always_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

SnapshotWriter::SnapshotWriter(SnapshotOptions options, const Cluster& cluster,
                               k8s_client::Journal& journal, AsOf as_of, WritePace pace,
                               Wrote wrote)
    : options_(std::move(options)),
      cluster_(cluster),
      journal_(journal),
      as_of_(std::move(as_of)),
      pace_(paced(pace, options_.max_age)),
      wrote_(std::move(wrote)),
      schedule_(pace_),
      thread_([this] { run(); }) {}

SnapshotWriter::~SnapshotWriter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_one();
    thread_.join();
}

void SnapshotWriter::run() {
    k8s_client::remove_unfinished_snapshots(options_.file);
    bool last = false;
    while (!last) {  // a last look even if the end comes before the first
        {
            std::unique_lock lock(mutex_);
            last = stop_.wait_for(lock, pace_.tick, [this] { return stopping_; });
        }
        look(last);
    }
}

void SnapshotWriter::look(bool last) {
    const auto snapshot = cluster_.published().value();  // let go of at once: it would pin memory
    if (!snapshot->synced || snapshot->stale) {
        return;
    }
    const bool due = schedule_.due(snapshot->revision, as_of_(), WriteSchedule::Time::clock::now());
    if (last ? schedule_.changed(snapshot->revision) : due) {
        write(*snapshot);
    }
}

void SnapshotWriter::write(const zones::Snapshot& snapshot) {
    const k8s_client::SnapshotStamp stamp{as_of_(), options_.filters};
    const auto written = k8s_client::write_snapshot_file(
        options_.file, stamp,
        [&](const zones::ObjectVisitor& put) { zones::visit_objects(snapshot, put); });
    const auto now = WriteSchedule::Time::clock::now();
    if (written) {
        schedule_.wrote(snapshot.revision, stamp.written, now);
    } else {
        schedule_.failed(now);
    }
    if (wrote_) {
        wrote_(written.has_value());
    }
    report(written ? std::string() : written.error());
}

void SnapshotWriter::report(const std::string& fault) {
    if (fault == reported_) {
        return;
    }
    reported_ = fault;
    const std::string file = options_.file.string();
    if (fault.empty()) {
        journal_.write(Level::Info, "snapshot " + file + " is written again");
        return;
    }
    journal_.write(Level::Warning,
                   "cannot write snapshot " + file + ": " + fault + "; mount an emptyDir or a " +
                       "hostPath at " + options_.file.parent_path().string() +
                       ", or this server cannot start while the API server is away");
}

}  // namespace server

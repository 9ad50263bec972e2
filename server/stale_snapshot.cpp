#include "server/stale_snapshot.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "k8s_client/one_line_journal.h"
#include "k8s_client/snapshot_file.h"
#include "zones/cluster_store.h"

namespace server {
namespace {

using k8s_client::Change;
using Level = k8s_client::Journal::Level;

/// Fills a store in batches, so that the objects are never all in memory.
class StoreFiller {
  public:
    explicit StoreFiller(zones::ClusterStore& store) : store_(store) {}

    void add(k8s_client::Object object) {
        constexpr std::size_t kBatch = 256;
        ++count_;
        batch_.push_back({Change::Type::Applied, std::move(object)});
        if (batch_.size() == kBatch) {
            flush();
        }
    }
    void flush() {
        store_.apply(batch_, 0);
        batch_.clear();
    }
    std::size_t count() const { return count_; }

  private:
    zones::ClusterStore& store_;
    std::vector<Change> batch_;
    std::size_t count_ = 0;
};

std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

std::string snapshot_filters(const zones::ClusterOptions& options, const std::string& labels,
                             const std::string& namespace_labels) {
    std::string text = "labels '" + labels + "' namespace_labels '" + namespace_labels + "'";
    auto namespaces = options.namespaces;
    std::sort(namespaces.begin(), namespaces.end());
    for (const std::string& ns : namespaces) {
        text += (&ns == &namespaces.front() ? " namespaces " : ",") + ns;
    }
    text += options.pods == zones::PodMode::Verified ? " pods" : "";
    text += options.no_endpoints ? " noendpoints" : "";
    text += options.endpoint_pod_names ? " endpoint_pod_names" : "";
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::shared_ptr<const zones::Snapshot> read_stale_snapshot(const SnapshotOptions& snapshot,
                                                           const zones::ClusterOptions& options,
                                                           zones::HashKey key,
                                                           k8s_client::Journal& journal) {
    k8s_client::OneLineJournal lines(journal);
    const std::string name = "snapshot " + snapshot.file.string();
    zones::ClusterStore store(options, key);
    StoreFiller filler(store);
    const auto written = k8s_client::read_snapshot_file(
        snapshot.file, {snapshot.filters, now(), snapshot.max_age},
        [&](k8s_client::Object object) { filler.add(std::move(object)); });
    if (!written) {
        lines.write(written.error().missing ? Level::Info : Level::Warning,
                    written.error().missing ? name + ": there is none yet"
                                            : name + " is ignored: " + written.error().why);
        return nullptr;
    }
    filler.flush();
    store.set_synced();
    auto stale = std::make_shared<zones::Snapshot>(*store.snapshot());
    stale->stale = true;
    // Not before any serial that was answered then, not after what a change will give now.
    stale->serial = static_cast<std::uint32_t>(written->time_since_epoch().count());
    lines.write(Level::Info, name + " of " + k8s_client::to_string(*written) + " (" +
                                 std::to_string(filler.count()) +
                                 " objects) is served until the Kubernetes API answers");
    return stale;
}

}  // namespace server

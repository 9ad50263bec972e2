#include "server/cluster.h"

#include <ctime>

namespace server {

void Cluster::apply(std::span<const k8s_client::Change> changes) {
    const std::lock_guard lock(writer_);
    store_.apply(changes, static_cast<std::uint32_t>(std::time(nullptr)));
    last_change_.store(std::chrono::steady_clock::now(), std::memory_order_relaxed);
    if (!serving_stale_) {
        published_.publish(store_.snapshot());
    }
}

void Cluster::synced() {
    const std::lock_guard lock(writer_);
    store_.set_synced();
    synced_ = true;
    serving_stale_ = false;
    published_.publish(store_.snapshot());
    ready_.store(true, std::memory_order_release);
}

void Cluster::serve_stale(std::shared_ptr<const zones::Snapshot> stale) {
    const std::lock_guard lock(writer_);
    if (synced_ || !stale) {
        return;
    }
    serving_stale_ = true;
    published_.publish(std::move(stale));
    ready_.store(true, std::memory_order_release);
}

std::map<std::string, std::vector<std::string>> Cluster::pods_at(
    const std::set<std::string, std::less<>>& addresses) const {
    std::map<std::string, std::vector<std::string>> found;
    const std::lock_guard lock(writer_);
    store_.for_each_pod([&](const std::string& name, const std::string& address) {
        if (addresses.contains(address)) {
            found[address].push_back(name);
        }
    });
    return found;
}

}  // namespace server

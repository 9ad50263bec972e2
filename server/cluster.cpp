#include "server/cluster.h"

#include <ctime>

namespace server {

void Cluster::apply(std::span<const k8s_client::Change> changes) {
    const std::lock_guard lock(writer_);
    store_.apply(changes, static_cast<std::uint32_t>(std::time(nullptr)));
    published_.publish(store_.snapshot());
}

void Cluster::synced() {
    const std::lock_guard lock(writer_);
    store_.set_synced();
    published_.publish(store_.snapshot());
}

}  // namespace server

#include "server/limited_clients.h"

#include <numeric>
#include <utility>

namespace server {

std::uint64_t LimitedClient::all_times() const {
    return std::accumulate(times.begin(), times.end(), std::uint64_t{0});
}

void LimitedClients::add(const Net& net, Limit limit, double allowed, LimitAction action) {
    const LimitedClient wanted{net, limit, allowed};
    LimitedClient* client = find(wanted);
    if (client == nullptr && clients_.size() == kMost) {
        ++others_;
        return;
    }
    if (client == nullptr) {
        client = &clients_.emplace_back(wanted);
    }
    ++client->times[static_cast<std::size_t>(action)];
}

/// Who is found goes to the front: who floods is found at once.
LimitedClient* LimitedClients::find(const LimitedClient& wanted) {
    for (LimitedClient& client : clients_) {
        if (client.is_same(wanted)) {
            std::swap(client, clients_.front());
            return &clients_.front();
        }
    }
    return nullptr;
}

void LimitedClients::clear() {
    clients_.clear();
    others_ = 0;
}

}  // namespace server

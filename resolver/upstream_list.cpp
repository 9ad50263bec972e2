#include "resolver/upstream_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace resolver {

namespace {

constexpr std::size_t kUdpChannels = 4;  // shared out among the upstreams

}  // namespace

UpstreamList::UpstreamList(SocketTable& sockets, FinishedQueue& finished,
                           const ForwardOptions& options)
    : sockets_(sockets), finished_(finished), options_(options), order_(options.policy, 0) {}

bool UpstreamList::take(const std::vector<Upstream>& upstreams) {
    if (upstreams.empty() || upstreams.size() > kMostUpstreams)
        return false;
    std::vector<std::unique_ptr<UpstreamServer>> fresh;
    const auto share = std::max(kUdpChannels / upstreams.size(), std::size_t{2});
    for (const auto& upstream : upstreams) {
        fresh.push_back(UpstreamServer::make(sockets_, finished_, options_, upstream, share));
        if (!fresh.back())
            return false;
    }
    for (auto& server : fresh) {
        if (auto known = take_out(server->upstream()))
            server = std::move(known);
    }
    std::ranges::move(servers_, std::back_inserter(leaving_));
    servers_ = std::move(fresh);
    order_ = UpstreamOrder(options_.policy, servers_.size());
    ++list_;
    return true;
}

std::unique_ptr<UpstreamServer> UpstreamList::take_out(const Upstream& upstream) {
    const auto known = std::ranges::find_if(
        servers_, [&](const auto& server) { return server->upstream() == upstream; });
    if (known == servers_.end())
        return nullptr;
    auto taken = std::move(*known);
    servers_.erase(known);
    return taken;
}

UpstreamServer* UpstreamList::next(Turn& turn, RandomBits& random) {
    if (turn.of != list_)
        turn = {order_.next(random), list_, 0};
    for (std::size_t tried = 0; tried < servers_.size(); ++tried) {
        auto& server = *servers_[turn.order[turn.position++ % servers_.size()]];
        if (server.usable())
            return &server;
    }
    return nullptr;
}

UpstreamServer* UpstreamList::any(RandomBits& random) {
    const std::size_t first = random.below(servers_.size());
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        auto& server = *servers_[(first + i) % servers_.size()];
        if (!server.loops())
            return &server;
    }
    return nullptr;
}

void UpstreamList::tick(RandomBits& random, Clock::time_point now) {
    for (auto* all : {&servers_, &leaving_}) {
        for (auto& server : *all)
            server->tick(random, now);
    }
    std::erase_if(leaving_, [](const auto& server) { return server->idle(); });
}

void UpstreamList::handle_probes() {
    for (auto* all : {&servers_, &leaving_}) {
        for (auto& server : *all)
            server->handle_probes();
    }
}

void UpstreamList::clear() {
    servers_.clear();
    leaving_.clear();
}

}  // namespace resolver

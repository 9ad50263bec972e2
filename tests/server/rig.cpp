#include "tests/server/rig.h"

#include <array>
#include <poll.h>
#include <stdexcept>

namespace server::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr int kWaitMs = 10;

}  // namespace

Rig::Rig(std::vector<ServerBlock> blocks, TcpLimits limits, LogSink* log)
    : config_(config_of(std::move(blocks))),
      routing_(make_routing(config_, {zones::parse_address("192.0.2.53").value()}, {},
                            {.metrics = &metrics_, .log = log})),
      reply_(zones::kMaxMessageSize),
      pipeline_(std::make_unique<Pipeline>(routing_, static_cast<resolver::Reactor&>(*this),
                                           static_cast<ReplySender&>(*this))),
      tcp_(std::make_unique<TcpConnections>(poll_, *pipeline_, limits)) {}

Rig::~Rig() {
    // A pipeline completes what waits when it goes, and that must find the connections alive.
    pipeline_.reset();
}

void Rig::apply(const std::vector<Change>& changes, std::size_t cluster) {
    routing_.clusters.at(cluster)->apply(std::vector<Change>{namespace_object()});
    routing_.clusters.at(cluster)->apply(changes);
    routing_.clusters.at(cluster)->synced();
    pipeline_->begin_batch(now());
}

Handled Rig::handle(const Octets& query, const Client& client) {
    pipeline_->begin_batch(now());
    reply_.resize(client.tcp ? zones::kMaxMessageSize : routing_.udp_reply_size);
    const Handled handled = pipeline_->handle(query, client, route(), reply_);
    reply_.resize(handled.size);
    return handled;
}

Octets Rig::ask(const Octets& query) {
    const std::size_t before = late_.size();
    const Handled handled = handle(query);
    if (!handled.waits) {
        return reply_;
    }
    if (!run_until([&] { return late_.size() > before; })) {
        throw std::runtime_error("no reply came");
    }
    return late_.back();
}

Octets Rig::ask_as_tcp(const Octets& query) {
    Client client;
    client.peer.v4 = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
    client.tcp = true;
    handle(query, client);
    return reply_;
}

bool Rig::run_until(const std::function<bool()>& condition) {
    const auto deadline = Clock::now() + kPatience;
    auto next_tick = Clock::now() + kTick;
    while (!condition()) {
        if (Clock::now() >= deadline) {
            return false;
        }
        run_once(kWaitMs);
        if (Clock::now() >= next_tick) {
            pipeline_->tick(now());
            next_tick += kTick;
        }
    }
    return true;
}

void Rig::run_once(int wait_ms) {
    tcp_->send_late(now());
    pipeline_->end_batch();
    std::vector<pollfd> polled{{poll_.fd(), POLLIN, 0}};
    for (const auto& [fd, events] : watched_) {
        polled.push_back({fd, events, 0});
    }
    const std::size_t ours = polled.size();
    for (const auto* upstream : upstreams_) {
        upstream->add_to(polled);
    }
    ::poll(polled.data(), polled.size(), wait_ms);
    pipeline_->begin_batch(now());
    serve_connections();
    for (std::size_t i = 1; i < ours; ++i) {
        const auto [fd, events, ready] = polled[i];
        if (ready != 0 && watched_.contains(fd)) {
            pipeline_->process_upstream(fd, (ready & ~POLLOUT) != 0, (ready & POLLOUT) != 0);
        }
    }
    tcp_->send_late(now());
    pipeline_->end_batch();
    for (auto* upstream : upstreams_) {
        upstream->work();
    }
}

void Rig::serve_connections() {
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(poll_.fd(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        tcp_->handle_event(EventPoll::tag_of(event), event.events, now());
    }
}

void Rig::watch(int fd, bool readable, bool writable) {
    if (readable || writable) {
        watched_[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    } else {
        watched_.erase(fd);
    }
}

void Rig::send(const Client& client, const std::uint8_t* reply, std::size_t size) {
    if (client.tcp) {
        tcp_->send(client, reply, size);
    } else if (socket_ != nullptr) {
        socket_->send(client, reply, size);
        socket_->flush();
    } else {
        late_.emplace_back(reply, reply + size);
    }
}

ServerBlock cluster_block(const std::vector<std::string>& zone_names,
                          std::optional<std::uint16_t> upstream_port) {
    ServerBlock made = block({"."});
    made.kubernetes = kubernetes(zone_names);
    if (upstream_port) {
        made.forwards = {forward(".", *upstream_port)};
    }
    return made;
}

}  // namespace server::testing

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "server/memory_reserve.h"
#include "server/tcp_connection.h"

// Which connections there are: who comes in, who has to make room, who goes.

namespace server {
namespace {

constexpr int kTcpAcceptsPerEvent = 64;  // then the other sockets get their turn

/// accept() wants a descriptor before it looks whether there is a connection for it.
bool somebody_waits(int listener) {
    pollfd readable{listener, POLLIN, 0};
    return poll(&readable, 1, 0) == 1;
}

/// The lowest number that a client's connection must not have, so that `spare` are left, but a
/// quarter of all at most. The kernel gives the lowest that is free: so many are in use then.
int first_spare(std::size_t spare) {
    rlimit limit{};
    constexpr rlim_t kMost = std::numeric_limits<int>::max();
    const rlim_t all =
        getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::min(limit.rlim_cur, kMost) : kMost;
    return static_cast<int>(all - std::min<rlim_t>(spare, all / 4));
}

TcpTimes times_of(const TimeoutsConfig& given, const TcpTimes& otherwise) {
    return {.message = given.read.value_or(otherwise.message),
            .idle = given.idle.value_or(otherwise.idle),
            .write = given.write.value_or(otherwise.write),
            .parting = otherwise.parting};
}

}  // namespace

bool TcpConnections::accept_from(int listener, const Route& route, Clock::time_point now) {
    const int spare = first_spare(limits_.spare_descriptors);
    for (int i = 0; i < kTcpAcceptsPerEvent; ++i) {
        Client client;
        client.tcp = true;
        client.peer_size = sizeof client.peer;
        Fd fd(accept4(listener, &client.peer.any, &client.peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            const bool exhausted =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (!exhausted || !somebody_waits(listener)) {
                return true;
            }
            if (evict_idle()) {
                continue;
            }
            return false;
        }
        if (!memory_is_short() && make_room(ClientShares::key_of(client.peer)) &&
            leave_spare(fd, spare)) {
            add(std::move(fd), client, route, now);
        } else {
            pipeline_->counters().tcp_refused.add();
        }
    }
    return true;
}

/// For one more of that client: who has its share gives up one of its own.
bool TcpConnections::make_room(ClientShares::Key client) {
    if (shares_.of(client) >= limits_.of_a_client) {
        return evict_idle(client);
    }
    return open_ < limits_.connections || evict_idle();
}

/// Where only spare descriptors are left, the new connection gets that of an idle one.
bool TcpConnections::leave_spare(Fd& fd, int first_spare) {
    if (fd.get() < first_spare) {
        return true;
    }
    if (!evict_idle()) {
        return false;
    }
    fd = Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    return fd && fd.get() < first_spare;  // else another worker's connection has that descriptor
}

void TcpConnections::add(Fd fd, const Client& client, const Route& route, Clock::time_point now) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
        generations_.push_back(0);
    }
    const std::uint32_t slot = free_.back();
    auto connection = std::make_unique<Connection>();
    connection->client = client;
    connection->client.index = slot;
    connection->client.generation = ++generations_[slot] & 0xffffffU;
    connection->route = &route;
    connection->may_ask = route.timeouts.queries != 0 ? route.timeouts.queries : limits_.queries;
    connection->times = times_of(route.timeouts, limits_.times);
    connection->deadline = now + connection->times.message;
    const int on = 1;
    (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!poll_.add(fd.get(), EPOLLIN,
                   {EventTag::Kind::TcpConnection, slot, connection->client.generation})) {
        return;
    }
    connection->fd = std::move(fd);
    free_.pop_back();
    shares_.add(ClientShares::key_of(client.peer));
    slots_[slot] = std::move(connection);
    ++open_;
}

/// The one nearest its deadline, of one client or of all; false if none is idle.
bool TcpConnections::evict_idle(std::optional<ClientShares::Key> of) {
    const Connection* oldest = nullptr;
    for (const auto& connection : slots_) {
        if (connection != nullptr && connection->waiting == 0 && connection->out.empty() &&
            (!of || ClientShares::key_of(connection->client.peer) == *of) &&
            (oldest == nullptr || connection->deadline < oldest->deadline)) {
            oldest = connection.get();
        }
    }
    if (oldest == nullptr) {
        return false;
    }
    pipeline_->counters().tcp_evicted.add();
    close(oldest->client.index);
    return true;
}

void TcpConnections::close(std::uint32_t slot) {
    shares_.remove(ClientShares::key_of(slots_[slot]->client.peer));
    slots_[slot].reset();  // the kernel takes a closed descriptor out of the epoll set
    free_.push_back(slot);
    --open_;
}

}  // namespace server

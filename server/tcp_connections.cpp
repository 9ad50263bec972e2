#include "server/tcp_connections.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace server {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr int kAcceptsPerEvent = 64;  // then the other sockets get their turn

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
            .write = given.write.value_or(otherwise.write)};
}

}  // namespace

struct TcpConnections::Connection {
    Fd fd;
    Client client;
    const Route* route = nullptr;   // null: its address is no longer served
    std::vector<std::uint8_t> in;   // the start of a message, or what came while paused
    std::vector<std::uint8_t> out;  // replies that the socket would not take yet
    std::size_t sent = 0;           // of `out`
    std::size_t waiting = 0;        // queries without a reply yet
    std::size_t may_ask = 0;        // so many queries more
    TcpTimes times;
    std::uint32_t events = EPOLLIN;
    bool ended = false;       // the client sends no more
    bool in_service = false;  // take_queries() is at work: replies are only appended
    bool late = false;        // among late_
    Clock::time_point deadline;
};

TcpConnections::TcpConnections(const EventPoll& poll, Pipeline& pipeline, TcpLimits limits)
    : poll_(poll),
      pipeline_(&pipeline),
      limits_(limits),
      read_buffer_(kReadSize),
      reply_buffer_(zones::kMaxMessageSize) {}

TcpConnections::~TcpConnections() = default;

bool TcpConnections::accept_from(int listener, const Route& route, Clock::time_point now) {
    const int spare = first_spare(limits_.spare_descriptors);
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
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
        if (make_room(ClientShares::key_of(client.peer)) && leave_spare(fd, spare)) {
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
    return static_cast<bool>(fd);
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
    connection->may_ask = route.timeouts.queries == 0 ? std::numeric_limits<std::size_t>::max()
                                                      : route.timeouts.queries;
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

void TcpConnections::serve_with(Pipeline& pipeline,
                                const std::function<const Route*(const Route&)>& route_of) {
    pipeline_ = &pipeline;
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
        Connection* connection = slots_[slot].get();
        if (connection == nullptr || connection->route == nullptr) {
            continue;
        }
        connection->route = route_of(*connection->route);
        if (connection->route == nullptr) {
            connection->ended = true;
            connection->in.clear();
            if (connection->waiting == 0 && connection->out.empty()) {
                close(slot);
            }
        }
    }
}

bool TcpConnections::busy() const {
    return std::ranges::any_of(slots_, [](const auto& connection) {
        return connection != nullptr &&
               (connection->waiting > 0 || !connection->out.empty() || !connection->in.empty());
    });
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

void TcpConnections::handle_event(const EventTag& tag, std::uint32_t events,
                                  Clock::time_point now) {
    if (tag.index >= slots_.size() || slots_[tag.index] == nullptr ||
        slots_[tag.index]->client.generation != tag.generation) {
        return;
    }
    Connection& connection = *slots_[tag.index];
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        close(tag.index);
        return;
    }
    if ((events & EPOLLIN) != 0) {
        read_from(connection, now);
    } else {
        settle(connection, now);
    }
}

bool TcpConnections::paused(const Connection& connection) const {
    return connection.waiting >= limits_.waiting_queries ||
           connection.out.size() - connection.sent >= limits_.unsent_octets;
}

void TcpConnections::read_from(Connection& connection, Clock::time_point now) {
    const ssize_t got = recv(connection.fd.get(), read_buffer_.data(), read_buffer_.size(), 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            close(connection.client.index);
        }
        return;
    }
    connection.ended = connection.ended || got == 0;
    if (got > 0 && connection.in.empty()) {
        connection.deadline = now + connection.times.message;  // a message begins
    }
    spare_in_.lend(connection.in);
    connection.in.insert(connection.in.end(), read_buffer_.begin(), read_buffer_.begin() + got);
    settle(connection, now);
}

/// Handles the complete messages in `in`; false if one breaks the rules.
bool TcpConnections::take_queries(Connection& connection, Clock::time_point now) {
    std::size_t at = 0;
    const auto& in = connection.in;
    connection.in_service = true;
    while (in.size() - at >= 2 && !paused(connection) && connection.route != nullptr &&
           connection.may_ask > 0) {
        const std::size_t size = zones::read_u16(&in[at]);
        if (size < zones::kHeaderSize || size > limits_.query_size) {
            return false;
        }
        if (in.size() - at - 2 < size) {
            break;
        }
        ++connection.waiting;
        --connection.may_ask;
        const Handled handled = pipeline_->handle({&in[at + 2], size}, connection.client,
                                                  *connection.route, reply_buffer_);
        if (handled.size > 0) {
            append_reply(connection, reply_buffer_.data(), handled.size);
        } else if (!handled.waits) {
            --connection.waiting;
        }
        at += 2 + size;
    }
    connection.in_service = false;
    if (connection.may_ask == 0) {
        connection.ended = true;  // and closed with its last reply
        at = connection.in.size();
    }
    if (at > 0) {
        connection.in.erase(connection.in.begin(),
                            connection.in.begin() + static_cast<std::ptrdiff_t>(at));
        connection.deadline = now + (connection.in.empty() ? connection.times.idle
                                     : paused(connection)  ? connection.times.write
                                                           : connection.times.message);
    }
    return true;
}

void TcpConnections::append_reply(Connection& connection, const std::uint8_t* reply,
                                  std::size_t size) {
    auto& out = connection.out;
    if (connection.sent > limits_.unsent_octets) {  // else a steady reader would let `out` grow
        out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(connection.sent));
        connection.sent = 0;
    }
    const std::uint8_t length[] = {static_cast<std::uint8_t>(size >> 8),
                                   static_cast<std::uint8_t>(size)};
    spare_out_.lend(out);
    out.insert(out.end(), length, length + sizeof length);
    out.insert(out.end(), reply, reply + size);
    connection.waiting -= connection.waiting > 0 ? 1 : 0;
}

/// Sends what it can; false if the connection is broken.
bool TcpConnections::flush(Connection& connection, Clock::time_point now) {
    if (connection.out.empty()) {
        return true;
    }
    const std::size_t before = connection.sent;
    while (connection.sent < connection.out.size()) {
        const ssize_t sent = ::send(connection.fd.get(), &connection.out[connection.sent],
                                    connection.out.size() - connection.sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                break;
            }
            return false;
        }
        connection.sent += static_cast<std::size_t>(sent);
    }
    if (connection.sent == connection.out.size()) {
        spare_out_.take_back(connection.out);
        connection.sent = 0;
        if (connection.in.empty()) {  // else the time of a message is running
            connection.deadline = now + connection.times.idle;
        }
    } else if (connection.sent > before) {
        connection.deadline = now + connection.times.write;
    }
    return true;
}

/// Takes queries and sends replies as far as both go, then waits for what is missing.
void TcpConnections::settle(Connection& connection, Clock::time_point now) {
    bool more = true;
    while (more) {
        const bool well_formed = take_queries(connection, now);
        if (!flush(connection, now) || !well_formed) {
            close(connection.client.index);
            return;
        }
        // Replies sent may have ended a pause with whole messages still in `in`.
        more = connection.route != nullptr && connection.out.empty() && !paused(connection) &&
               connection.in.size() >= 2 &&
               connection.in.size() - 2 >= zones::read_u16(connection.in.data());
    }
    const bool unsent = !connection.out.empty();
    if (connection.ended && connection.waiting == 0 && !unsent) {
        close(connection.client.index);
        return;
    }
    if (connection.in.empty()) {
        spare_in_.take_back(connection.in);
    }
    const bool reads = !paused(connection) && !connection.ended;
    const std::uint32_t events = (reads ? EPOLLIN : 0U) | (unsent ? EPOLLOUT : 0U);
    if (events != connection.events) {
        connection.events = events;
        poll_.modify(
            connection.fd.get(), events,
            {EventTag::Kind::TcpConnection, connection.client.index, connection.client.generation});
    }
}

void TcpConnections::send(const Client& client, const std::uint8_t* reply, std::size_t size) {
    if (client.index >= slots_.size() || slots_[client.index] == nullptr ||
        slots_[client.index]->client.generation != client.generation) {
        return;
    }
    Connection& connection = *slots_[client.index];
    append_reply(connection, reply, size);
    if (!connection.in_service && !connection.late) {
        connection.late = true;
        late_.push_back(client.index);
    }
}

void TcpConnections::send_late(Clock::time_point now) {
    for (std::size_t i = 0; i < late_.size(); ++i) {  // settling may ask, and that may answer
        Connection* connection = slots_[late_[i]].get();
        if (connection != nullptr && std::exchange(connection->late, false)) {
            settle(*connection, now);
        }
    }
    late_.clear();
}

std::size_t TcpConnections::buffered() const {
    std::size_t octets = 0;
    for (const auto& connection : slots_) {
        octets += connection == nullptr ? 0 : connection->in.size() + connection->out.size();
    }
    return octets;
}

void TcpConnections::tick(Clock::time_point now) {
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
        const auto& connection = slots_[slot];
        // While an upstream is asked, it is not the client who keeps us waiting.
        const bool ours = connection != nullptr && connection->waiting > 0 &&
                          connection->out.empty() &&
                          (connection->in.empty() || paused(*connection));
        if (connection != nullptr && !ours && connection->deadline < now) {
            close(slot);
        }
    }
}

}  // namespace server

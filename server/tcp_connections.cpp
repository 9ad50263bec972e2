#include <algorithm>
#include <cerrno>
#include <sys/socket.h>

#include "server/tcp_connection.h"

namespace server {
namespace {

constexpr std::size_t kTcpReadSize = 16 * 1024;

}  // namespace

TcpConnections::TcpConnections(const EventPoll& poll, Pipeline& pipeline, TcpLimits limits)
    : poll_(poll),
      pipeline_(&pipeline),
      limits_(limits),
      read_buffer_(kTcpReadSize),
      reply_buffer_(zones::kMaxMessageSize) {}

TcpConnections::~TcpConnections() = default;

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
    if (connection.parting) {
        drain(connection);
    } else if ((events & EPOLLIN) != 0) {
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
            count(TcpEnd::Size);
            return false;
        }
        if (in.size() - at - 2 < size) {
            break;
        }
        ++connection.waiting;
        --connection.may_ask;
        connection.asked = true;
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
        part_from(connection, now);
        return;
    }
    if (connection.in.empty()) {
        spare_in_.take_back(connection.in);
    }
    const bool is_paused = paused(connection);
    if (is_paused && (connection.events & EPOLLIN) != 0) {
        pipeline_->counters().tcp_paused.add();
    }
    watch(connection, (is_paused || connection.ended ? 0U : EPOLLIN) | (unsent ? EPOLLOUT : 0U));
}

void TcpConnections::watch(Connection& connection, std::uint32_t events) {
    if (events != connection.events) {
        connection.events = events;
        poll_.modify(
            connection.fd.get(), events,
            {EventTag::Kind::TcpConnection, connection.client.index, connection.client.generation});
    }
}

/// It has all of its replies. Who has asked all that it may has perhaps sent more: closed on that,
/// the kernel would send RST, and the client lose replies that it has not read (RFC 7766 §6.2.3).
void TcpConnections::part_from(Connection& connection, Clock::time_point now) {
    if (connection.may_ask > 0 || connection.route == nullptr ||
        ::shutdown(connection.fd.get(), SHUT_WR) != 0) {
        close(connection.client.index);
        return;
    }
    count(TcpEnd::Queries);
    connection.parting = true;
    connection.deadline = now + connection.times.parting;
    watch(connection, EPOLLIN);
}

void TcpConnections::drain(Connection& connection) {
    const ssize_t got = recv(connection.fd.get(), read_buffer_.data(), read_buffer_.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        close(connection.client.index);
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
            if (!connection->parting) {
                count(overdue(*connection));
            }
            close(slot);
        }
    }
}

TcpEnd TcpConnections::overdue(const Connection& connection) const {
    if (!connection.out.empty() || paused(connection)) {
        return TcpEnd::Write;
    }
    return connection.in.empty() && connection.asked ? TcpEnd::Idle : TcpEnd::Message;
}

void TcpConnections::count(TcpEnd reason) {
    pipeline_->counters().tcp_closed[static_cast<std::size_t>(reason)].add();
}

}  // namespace server

#include "server/http_connections.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <exception>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace server {
namespace {

constexpr int kHttpAcceptsPerEvent = 32;  // then the connections that are there get their turn
constexpr std::size_t kHttpReadSize = 4096;
constexpr int kSendBuffer = 64 * 1024;
const HttpListeners kNoListeners;

/// Which limit ended a connection.
constexpr char kTooManyConnections[] = "connections";  // too many: it had waited longest
constexpr char kTooMuchUnsent[] = "unsent";            // too much unread of all: it was the oldest
constexpr char kSlowRequest[] = "request";             // too slow in coming
constexpr char kSlowReply[] = "reply";                 // too slow in being read
constexpr char kLargeHead[] = "size";                  // of a head

}  // namespace

struct HttpConnections::Connection {
    enum class State {
        Reading,   // of a request, or waiting for one
        Writing,   // of a reply; nothing is read meanwhile
        Draining,  // a last reply is sent: until the client closes, so that no RST destroys it
    };

    Fd fd;
    int listener;  // its descriptor
    EventTag tag;
    State state = State::Reading;
    bool keep_alive = false;  // after the reply that is being written
    bool begun = false;       // some of a request has come
    std::string in;           // not more than limits_.request_size
    std::string out;
    std::size_t sent = 0;       // of `out`
    Clock::time_point since{};  // it is in this state
    Clock::time_point deadline{};
};

HttpConnections::HttpConnections(const EventPoll& poll, HttpLimits limits, RareMetrics* metrics)
    : poll_(poll),
      limits_(limits),
      metrics_(metrics),
      listeners_(&kNoListeners),
      slots_(limits.connections) {
    for (const char* reason :
         {kTooManyConnections, kTooMuchUnsent, kSlowRequest, kSlowReply, kLargeHead}) {
        count(reason, 0);
    }
}

HttpConnections::~HttpConnections() = default;

void HttpConnections::use(const HttpListeners& listeners) {
    listeners_ = &listeners;
    for (const auto& slot : slots_) {
        if (slot && std::ranges::none_of(listeners, [&](const HttpListener& l) {
                return l.fd->get() == slot->listener;
            })) {
            close(*slot);
        }
    }
}

bool HttpConnections::accept_from(const HttpListener& listener, Clock::time_point now) {
    for (int i = 0; i < kHttpAcceptsPerEvent; ++i) {
        Fd fd(accept4(listener.fd->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            add(std::move(fd), listener.fd->get(), now);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return true;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            return false;
        }
    }
    return true;
}

void HttpConnections::add(Fd fd, int listener, Clock::time_point now) {
    if (open_ == slots_.size()) {
        make_room();
    }
    const auto slot = std::ranges::find_if(slots_, [](const auto& s) { return s == nullptr; });
    const int one = 1;
    (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    // Else the kernel keeps megabytes for each client that does not read.
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    const EventTag tag{EventTag::Kind::TcpConnection,
                       static_cast<std::uint32_t>(slot - slots_.begin()), ++uses_ & 0xffffffU};
    if (!poll_.add(fd.get(), EPOLLIN, tag)) {
        return;
    }
    *slot = std::make_unique<Connection>();
    ++open_;
    Connection& connection = **slot;
    connection.fd = std::move(fd);
    connection.listener = listener;
    connection.tag = tag;
    connection.since = now;
    connection.deadline = now + limits_.request;
    // Mostly the request is here already; once answered, no later connection can push it out.
    read_from(connection, now);
}

/// Closes the connection that has waited longest for a request, or else for its client to read.
void HttpConnections::make_room() {
    const auto rank = [](const std::unique_ptr<Connection>& c) {
        return std::pair(c->state == Connection::State::Writing, c->since);
    };
    count(kTooManyConnections);
    close(**std::ranges::min_element(slots_, {}, rank));
}

/// Only with all slots full of large replies that nobody reads does this close any.
void HttpConnections::make_room_for(std::size_t octets) {
    while (unsent_ > 0 && unsent_ + octets > limits_.unsent_octets) {
        Connection* oldest = nullptr;
        for (const auto& slot : slots_) {
            if (slot && !slot->out.empty() && (!oldest || slot->since < oldest->since)) {
                oldest = slot.get();
            }
        }
        count(kTooMuchUnsent);
        close(*oldest);
    }
}

void HttpConnections::close(Connection& connection) {
    unsent_ -= connection.out.size();
    --open_;
    slots_[connection.tag.index].reset();
}

HttpConnections::Connection* HttpConnections::find(const EventTag& tag) {
    Connection* connection = slots_[tag.index].get();
    return connection && connection->tag.generation == tag.generation ? connection : nullptr;
}

void HttpConnections::handle_event(const EventTag& tag, std::uint32_t events,
                                   Clock::time_point now) {
    Connection* connection = find(tag);
    if (connection == nullptr) {
        return;
    }
    switch (connection->state) {
        case Connection::State::Reading:
            read_from(*connection, now);
            break;
        case Connection::State::Writing:
            if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
                close(*connection);
            } else {
                write_to(*connection, now);
            }
            break;
        case Connection::State::Draining:
            drain(*connection);
            break;
    }
}

void HttpConnections::read_from(Connection& connection, Clock::time_point now) {
    std::array<char, kHttpReadSize> buffer;
    const std::size_t space = limits_.request_size - connection.in.size();
    assert(space > 0);  // take_request() has left some
    const ssize_t size =
        recv(connection.fd.get(), buffer.data(), std::min(space, buffer.size()), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        close(connection);
        return;
    }
    if (!connection.begun) {
        connection.begun = true;
        connection.deadline = std::min(connection.deadline, now + limits_.request);
    }
    connection.in.append(buffer.data(), static_cast<std::size_t>(size));
    take_request(connection, now);
}

void HttpConnections::drain(Connection& connection) {
    std::array<char, kHttpReadSize> buffer;
    const ssize_t size = recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
        close(connection);
    }
}

/// Answers the first request in the buffer, if it is whole.
void HttpConnections::take_request(Connection& connection, Clock::time_point now) {
    const auto read = read_request(connection.in);
    if (!read) {
        refuse(connection, read.error(), now);
    } else if (*read) {
        const HttpRequest& request = **read;
        const HttpReplyForm form{request.method != HttpRequest::Method::Head, request.keep_alive};
        const HttpReply reply = reply_to(request, connection.listener);
        connection.in.erase(0, request.size);  // the end of the request's views
        start_reply(connection, reply, form, now);
    } else if (connection.in.size() >= limits_.request_size) {
        count(kLargeHead);
        const std::size_t line = connection.in.find('\n', connection.in.find_first_not_of("\r\n"));
        refuse(connection, line == std::string::npos ? 414 : 431, now);
    }
}

HttpReply HttpConnections::reply_to(const HttpRequest& request, int listener) const {
    const auto at = std::ranges::find_if(
        *listeners_, [&](const HttpListener& l) { return l.fd->get() == listener; });
    const auto path = at->paths.find(request.path);
    if (path == at->paths.end()) {
        return make_error(404);
    }
    if (request.method == HttpRequest::Method::Other) {
        return make_error(405);
    }
    try {
        return path->second();
    } catch (const std::exception&) {
        return make_error(500);
    }
}

void HttpConnections::refuse(Connection& connection, int status, Clock::time_point now) {
    connection.in.clear();
    start_reply(connection, make_error(status), {}, now);
}

void HttpConnections::start_reply(Connection& connection, const HttpReply& reply,
                                  HttpReplyForm form, Clock::time_point now) {
    std::string out = write_reply(reply, form);
    make_room_for(out.size());
    connection.out = std::move(out);
    unsent_ += connection.out.size();
    connection.keep_alive = form.keep_alive;
    connection.state = Connection::State::Writing;
    connection.since = now;
    connection.deadline = now + limits_.reply;
    watch(connection, EPOLLOUT);
    write_to(connection, now);
}

void HttpConnections::write_to(Connection& connection, Clock::time_point now) {
    while (connection.sent < connection.out.size()) {
        const ssize_t size = ::send(connection.fd.get(), connection.out.data() + connection.sent,
                                    connection.out.size() - connection.sent, MSG_NOSIGNAL);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (size <= 0) {
            close(connection);
            return;
        }
        connection.sent += static_cast<std::size_t>(size);
    }
    unsent_ -= connection.out.size();
    connection.out = std::string();  // a large one is not kept
    connection.sent = 0;
    connection.since = now;
    if (connection.keep_alive) {
        await_request(connection, now);
        return;
    }
    connection.state = Connection::State::Draining;
    connection.deadline = now + limits_.drain;
    ::shutdown(connection.fd.get(), SHUT_WR);
    watch(connection, EPOLLIN);
}

void HttpConnections::await_request(Connection& connection, Clock::time_point now) {
    connection.state = Connection::State::Reading;
    connection.begun = !connection.in.empty();
    connection.deadline = now + (connection.begun ? limits_.request : limits_.idle);
    if (connection.begun) {
        more_.push_back(connection.tag);
    }
    watch(connection, EPOLLIN);
}

void HttpConnections::go_on(Clock::time_point now) {
    // What take_request() adds is for the next round: the others come first.
    for (const EventTag& tag : std::exchange(more_, {})) {
        Connection* connection = find(tag);
        if (connection != nullptr && connection->state == Connection::State::Reading) {
            take_request(*connection, now);
        }
    }
}

void HttpConnections::tick(Clock::time_point now) {
    for (const auto& slot : slots_) {
        if (!slot || now < slot->deadline) {
            continue;
        }
        // RFC 9110 §15.5.9; not to a connection that was just idle.
        if (slot->state == Connection::State::Reading && slot->begun) {
            count(kSlowRequest);
            refuse(*slot, 408, now);
            continue;
        }
        if (slot->state == Connection::State::Writing) {
            count(kSlowReply);
        }
        close(*slot);
    }
}

void HttpConnections::count(const char* limit, std::uint64_t more) {
    if (metrics_ != nullptr) {
        metrics_->add(metric::kHttpClosed, {{"reason", limit}}, more);
    }
}

void HttpConnections::watch(const Connection& connection, std::uint32_t events) const {
    (void)poll_.modify(connection.fd.get(), events, connection.tag);
}

}  // namespace server

#include "resolver/channel.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <unistd.h>
#include <utility>

#include <ares.h>

#include "resolver/reply_check.h"

namespace resolver {

namespace {

// A lone stray changes nothing (RFC 5452 §9.1: ignore it); with the second, somebody is guessing.
constexpr std::size_t kToleratedStrays = 1;
constexpr std::size_t kMostSpent = 256;  // ids that are remembered
// 100,000 questions are then seen from 1,500 source ports and more; see kMostSent of the pool.
constexpr std::size_t kMostPerPort = 56;

ares_channel handle(void* channel) {
    return static_cast<ares_channel>(channel);
}

Outcome outcome_of(int status) {
    if (status == ARES_SUCCESS)
        return Outcome::Reply;
    return status == ARES_ETIMEOUT ? Outcome::Timeout : Outcome::Failed;
}

int flags_of(Transport transport) {
    // NOCHECKRESP: SERVFAIL, NOTIMP and REFUSED are replies. IGNTC: the retry over TCP is ours, on
    // a channel of its own, where a reset connection cannot fail the UDP queries beside it.
    const int common =
        ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_IGNTC;
    switch (transport) {
        case Transport::Udp:
            return common | ARES_FLAG_EDNS;
        case Transport::UdpPlain:
            return common;
        case Transport::Tcp:
            return common | ARES_FLAG_USEVC;
    }
    return common;
}

int set_server(ares_channel channel, const ServerAddress& server) {
    ares_addr_port_node node{};
    node.udp_port = server.port;
    node.tcp_port = server.port;
    if (const auto* v4 = std::get_if<in_addr>(&server.address)) {
        node.family = AF_INET;
        node.addr.addr4 = *v4;
    } else {
        const auto& v6 = std::get<in6_addr>(server.address);
        static_assert(sizeof node.addr.addr6 == sizeof v6);
        node.family = AF_INET6;
        std::copy_n(v6.s6_addr, sizeof v6, reinterpret_cast<std::uint8_t*>(&node.addr.addr6));
    }
    return ares_set_servers_ports(channel, &node);
}

/// False if the address is not this host's. A source of the other family is passed over.
bool bind_source(int fd, int family, const ServerAddress& source) {
    if (const auto* v4 = std::get_if<in_addr>(&source.address); v4 && family == AF_INET) {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr = *v4;
        return ::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
    }
    if (const auto* v6 = std::get_if<in6_addr>(&source.address); v6 && family == AF_INET6) {
        sockaddr_in6 own{};
        own.sin6_family = AF_INET6;
        own.sin6_addr = *v6;
        return ::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
    }
    return true;
}

}  // namespace

std::optional<ServerAddress> parse_server(const Upstream& upstream) {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, upstream.address.c_str(), &v4) == 1)
        return ServerAddress{v4, upstream.port};
    if (inet_pton(AF_INET6, upstream.address.c_str(), &v6) == 1)
        return ServerAddress{v6, upstream.port};
    return std::nullopt;
}

struct Channel::Callbacks {
    // c-ares sets no option on sockets that are not its own.
    static ares_socket_t open_socket(int family, int type, int protocol, void* arg) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        if (type == SOCK_DGRAM && channel.port_.fd() >= 0) {
            channel.port_in_use_ = true;
            return channel.port_.fd();
        }
        const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
        if (fd < 0) {
            channel.system_error_ = errno;
            return ARES_SOCKET_BAD;
        }
        if (channel.source_ && !bind_source(fd, family, *channel.source_)) {
            channel.system_error_ = errno;
            ::close(fd);
            return ARES_SOCKET_BAD;
        }
        channel.opened_socket_ = true;
        const int on = 1;
        if (type == SOCK_STREAM)
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (type == SOCK_DGRAM) {
            channel.busy_ = false;
            channel.port_.open(fd);
            channel.port_in_use_ = true;
        }
        return fd;
    }

    static int close_socket(ares_socket_t fd, void* arg) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        if (!channel.port_.is(fd))
            return ::close(fd);
        channel.port_in_use_ = false;
        // One question after the other has a port each; where there are many, they share some.
        if (channel.retired_ || !channel.busy_ || !channel.port_.fresh(kMostPerPort))
            channel.close_port();
        return 0;
    }

    static int connect_socket(ares_socket_t fd, const sockaddr* server, ares_socklen_t length,
                              void* arg) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        return channel.noted(channel.port_.is(fd) ? channel.port_.connect(server, length)
                                                  : ::connect(fd, server, length));
    }

    /// With `from` it is a datagram that is read, else a part of a stream.
    static ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags,
                                sockaddr* from, ares_socklen_t* length, void* arg) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        if (from == nullptr)
            return channel.noted(::recvfrom(fd, buffer, size, flags, from, length));
        if (channel.incoming_.empty()) {
            errno = channel.incoming_error_ != 0 ? channel.incoming_error_ : EAGAIN;
            return channel.noted(-1);
        }
        const std::size_t slot = channel.incoming_.front();
        channel.incoming_ = channel.incoming_.subspan(1);
        const auto& datagrams = channel.sockets_.datagrams();
        std::memcpy(from, &datagrams.from[slot], std::min(*length, datagrams.from_size[slot]));
        *length = datagrams.from_size[slot];
        const auto datagram = datagrams.at(slot).first(std::min(size, datagrams.size[slot]));
        std::ranges::copy(datagram, static_cast<std::uint8_t*>(buffer));
        return static_cast<ares_ssize_t>(datagram.size());
    }

    static ares_ssize_t send_parts(ares_socket_t fd, const iovec* parts, int count,
                                   void* arg) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        if (channel.port_.is(fd))
            return channel.noted(channel.put({parts, static_cast<std::size_t>(count)}));
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = static_cast<std::size_t>(count);
        return channel.noted(::sendmsg(fd, &message, MSG_NOSIGNAL));
    }

    static constexpr ares_socket_functions kSocketFunctions{open_socket, close_socket,
                                                            connect_socket, receive, send_parts};

    static void on_socket(void* arg, ares_socket_t fd, int readable, int writable) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        // A port that c-ares takes leave of is kept, and watched for strays.
        if (channel.port_.is(fd) && channel.sockets_.find(fd) != nullptr)
            return;
        channel.sockets_.watch(channel, fd, readable != 0, writable != 0);
    }

    static void on_reply(void* arg, int status, int, unsigned char* octets, int length) noexcept {
        auto& exchange = *static_cast<Exchange*>(arg);
        if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
            return;
        exchange.outcome = outcome_of(status);
        exchange.system_error = exchange.channel->system_error_;
        if (exchange.outcome == Outcome::Reply)
            exchange.reply.assign(octets, octets + length);
        auto& channel = *exchange.channel;
        std::erase_if(channel.in_flight_,
                      [&](const InFlight& one) { return one.exchange == &exchange; });
        channel.remember(exchange.query->id());
        if (exchange.outcome != Outcome::Reply)  // the late one may come twice, too
            channel.remember(exchange.query->id());
        channel.finished_.push_back(&exchange);
    }
};

Channel::~Channel() {
    retired_ = true;  // its port is not kept
    cares_.reset();
    close_port();
}

void Channel::renew() {
    close_port();
    spent_.clear();
    strays_ = 0;
    opened_ = Clock::now();
}

void Channel::close_port() {
    if (port_.fd() >= 0 && sockets_.find(port_.fd()) != nullptr)
        sockets_.watch(*this, port_.fd(), false, false);
    sockets_.forget_unsent(*this);  // it may be noted though its last flush has failed
    port_.close();
}

/// What a system call has returned, with its error kept; one that only has to wait is none.
template <typename T>
T Channel::noted(T result) {
    if (result >= 0)
        system_error_ = 0;
    else if (errno != EAGAIN && errno != EINPROGRESS && errno != EINTR)
        system_error_ = errno;
    return result;
}

/// Of the datagram's octets all, as if they were sent.
long Channel::put(std::span<const iovec> parts) {
    if (!port_.has_unsent())
        sockets_.note_unsent(*this);
    if (!port_.put(parts)) {
        if (const int error = port_.flush(); error != 0) {
            errno = error;
            return -1;
        }
        port_.put(parts);
    }
    std::size_t size = 0;
    for (const auto& part : parts)
        size += part.iov_len;
    return static_cast<long>(size);
}

void Channel::flush() {
    if (const int error = port_.flush(); error != 0)
        hand_over({}, error);
}

void Channel::Destroy::operator()(void* channel) const {
    ares_destroy(handle(channel));
}

bool Channel::open(const ChannelSettings& settings) {
    // Every field that c-ares would otherwise look up in resolv.conf, nsswitch.conf or the host
    // name.
    char lookups[] = "b";
    ares_options options{};
    options.flags = flags_of(settings.transport);
    options.timeout = static_cast<int>(settings.timeout.count());
    options.tries = 1;
    options.ndots = 1;
    options.lookups = lookups;
    options.sock_state_cb = &Callbacks::on_socket;
    options.sock_state_cb_data = this;
    options.ednspsz = kUpstreamPayload;
    const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                      ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
                      ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ | ARES_OPT_NOROTATE;
    ares_channel channel = nullptr;
    if (ares_init_options(&channel, &options, given) != ARES_SUCCESS)
        return false;
    cares_.reset(channel);
    source_ = settings.source;
    ares_set_socket_functions(channel, &Callbacks::kSocketFunctions, this);
    return set_server(channel, settings.server) == ARES_SUCCESS;
}

bool Channel::send(UpstreamQuery& query, std::uint16_t id, bool edns, Exchange& exchange) {
    const auto message = query.message(id, edns);
    exchange.channel = this;
    exchange.query = &query;
    exchange.datagram_size = 0;
    in_flight_.push_back({id, &exchange});
    busy_ = busy_ || in_flight_.size() > 1;
    ++unsettled_;
    opened_socket_ = false;
    ares_send(handle(cares_.get()), message.data(), static_cast<int>(message.size()),
              &Callbacks::on_reply, &exchange);
    port_.count_query();
    return opened_socket_;
}

void Channel::process(int fd, bool readable, bool writable) {
    if (port_.is(fd) && readable) {
        process_datagrams();
        return;
    }
    ares_process_fd(handle(cares_.get()), readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
}

void Channel::process_datagrams() {
    auto& datagrams = sockets_.datagrams();
    const int count = port_.receive(datagrams);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        hand_over({}, errno);
        return;
    }
    std::array<std::size_t, Datagrams::kMost> replies;
    std::size_t found = 0;
    for (int i = 0; i < count && !suspect(); ++i) {
        const auto slot = static_cast<std::size_t>(i);
        if (look_at(datagrams.at(slot)))
            replies[found++] = slot;
    }
    if (found > 0)
        hand_over(std::span(replies).first(found), 0);
    if (suspect())
        abandon();
}

/// Lets c-ares read these datagrams, one after the other, or fail with `error`.
void Channel::hand_over(std::span<const std::size_t> datagrams, int error) {
    if (!port_in_use_) {
        if (error != 0)
            close_port();
        return;
    }
    incoming_ = datagrams;
    incoming_error_ = error;
    ares_process_fd(handle(cares_.get()), port_.fd(), ARES_SOCKET_BAD);
    incoming_ = {};
    incoming_error_ = 0;
}

/// True if it is the reply to an exchange of this socket; else it is counted, and the wait goes on.
bool Channel::look_at(std::span<const std::uint8_t> datagram) {
    const bool has_id = datagram.size() >= 2;
    const auto id = static_cast<std::uint16_t>(has_id ? datagram[0] << 8 | datagram[1] : 0);
    const auto found = std::ranges::find_if(in_flight_, [&](const InFlight& one) {
        return one.id == id && check_reply(datagram, *one.exchange->query).has_value();
    });
    if (found != in_flight_.end()) {
        found->exchange->datagram_size = datagram.size();
        return true;
    }
    if (has_id) {  // late, or a second time
        if (const auto spent = std::ranges::find(spent_, id); spent != spent_.end()) {
            spent_.erase(spent);
            return false;
        }
    }
    ++strays_;
    ++counters_.strays;
    return false;
}

void Channel::remember(std::uint16_t id) {
    if (spent_.size() == kMostSpent)
        spent_.erase(spent_.begin());
    spent_.push_back(id);
}

bool Channel::suspect() const {
    return strays_ > kToleratedStrays;
}

/// Closes the socket before a guess can be right.
void Channel::abandon() {
    retired_ = true;
    if (!in_flight_.empty())
        ++counters_.abandoned;
    for (const auto& one : std::exchange(in_flight_, {})) {
        one.exchange->outcome = Outcome::Abandoned;
        finished_.push_back(one.exchange);
    }
    ares_cancel(handle(cares_.get()));
    if (!port_in_use_)
        close_port();
}

void Channel::process_timeouts() {
    // Not ares_timeout(): it walks all that is outstanding to find the next one due.
    ares_process_fd(handle(cares_.get()), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void Channel::settle(Exchange& exchange) {
    exchange.channel = nullptr;
    --unsettled_;
}

}  // namespace resolver

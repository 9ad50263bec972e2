#include "resolver/channel.h"

#include <algorithm>

#include <ares.h>

#include "resolver/upstream_query.h"

namespace resolver {

namespace {

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

}  // namespace

struct Channel::Callbacks {
    static void on_socket(void* arg, ares_socket_t fd, int readable, int writable) noexcept {
        auto& channel = *static_cast<Channel*>(arg);
        channel.sockets_.watch(channel, fd, readable != 0, writable != 0);
    }

    static void on_reply(void* arg, int status, int, unsigned char* octets, int length) noexcept {
        auto& exchange = *static_cast<Exchange*>(arg);
        if (status == ARES_EDESTRUCTION)
            return;
        exchange.outcome = outcome_of(status);
        if (exchange.outcome == Outcome::Reply)
            exchange.reply.assign(octets, octets + length);
        exchange.channel->finished_.push_back(&exchange);
    }
};

void Channel::Destroy::operator()(void* channel) const {
    ares_destroy(handle(channel));
}

void SocketTable::watch(Channel& channel, int fd, bool readable, bool writable) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= channels_.size())
        channels_.resize(index + 1);
    channels_[index] = readable || writable ? &channel : nullptr;
    reactor_.watch(fd, readable, writable);
}

Channel* SocketTable::find(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return fd >= 0 && index < channels_.size() ? channels_[index] : nullptr;
}

bool Channel::open(const ServerAddress& server, Transport transport,
                   std::chrono::milliseconds timeout) {
    // Every field that c-ares would otherwise look up in resolv.conf, nsswitch.conf or the host
    // name.
    char lookups[] = "b";
    ares_options options{};
    options.flags = flags_of(transport);
    options.timeout = static_cast<int>(timeout.count());
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
    return set_server(channel, server) == ARES_SUCCESS;
}

void Channel::send(std::span<const std::uint8_t> message, Exchange& exchange) {
    exchange.channel = this;
    ++in_flight_;
    ++sent_;
    ares_send(handle(cares_.get()), message.data(), static_cast<int>(message.size()),
              &Callbacks::on_reply, &exchange);
}

void Channel::process(int fd, bool readable, bool writable) {
    ares_process_fd(handle(cares_.get()), readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
}

void Channel::process_timeouts() {
    // Not ares_timeout(): it walks all that is outstanding to find the next one due.
    ares_process_fd(handle(cares_.get()), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void Channel::settle(Exchange& exchange) {
    exchange.channel = nullptr;
    --in_flight_;
}

}  // namespace resolver

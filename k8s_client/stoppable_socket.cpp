#include "k8s_client/stoppable_socket.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>
#include <vector>

namespace k8s_client {
namespace {

using std::chrono::milliseconds;

// A peer that vanished without a word is noticed after 30 s, also while nothing is sent.
constexpr int kKeepaliveIdle = 15;
constexpr int kKeepaliveInterval = 5;
constexpr int kKeepaliveProbes = 3;
constexpr int kUserTimeoutMs = 30'000;

struct AddressesDeleter {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

tl::expected<Addresses, std::string> resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (error != 0) {
        const char* const why =
            error == EAI_SYSTEM ? "the resolver failed" : gai_strerror(error);  // a constant text
        return tl::unexpected("cannot resolve the API server's name " + host + ": " + why +
                              ": give its address, or mend resolv.conf");
    }
    return Addresses(list);
}

void set_options(int socket) {
    const auto set = [socket](int level, int option, int value) {
        (void)setsockopt(socket, level, option, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdle);
    set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveInterval);
    set(IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
    set(IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_blocking(int socket, const StoppableSocket::Limits& limits) {
    const auto set = [socket](int option, milliseconds limit) {
        const timeval time{static_cast<time_t>(limit.count() / 1000),
                           static_cast<suseconds_t>(limit.count() % 1000 * 1000)};
        (void)setsockopt(socket, SOL_SOCKET, option, &time, sizeof time);
    };
    set(SO_RCVTIMEO, limits.read);
    set(SO_SNDTIMEO, limits.write);
    (void)fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
}

std::string connect_fault(const std::string& host, std::uint16_t port, int error,
                          milliseconds limit) {
    const bool is_v6 = host.find(':') != std::string::npos;
    const std::string where = (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
    if (error == ETIMEDOUT) {
        return "no connection to the API server at " + where + " within " +
               std::to_string((limit.count() + 999) / 1000) +
               " s: check its address, the routes and network policies";
    }
    const char* const hint = error == ECONNREFUSED ? ": is it running, and is this its port?"
                                                   : ": check its address and the routes";
    return "cannot connect to the API server at " + where + ": " +
           std::generic_category().message(error) + hint;
}

}  // namespace

tl::expected<int, std::string> StoppableSocket::connect(const std::string& host, std::uint16_t port,
                                                        const Limits& limits) {
    const auto addresses = resolve(host, port);
    if (!addresses) {
        return tl::unexpected(addresses.error());
    }
    std::vector<const addrinfo*> order;
    for (const addrinfo* a = addresses->get(); a != nullptr; a = a->ai_next) {
        order.push_back(a);
    }
    const auto end = Clock::now() + limits.connect;
    int error = EADDRNOTAVAIL;
    for (std::size_t i = 0; i < order.size() && !stopped_; ++i) {
        // Each gets its share of what is left, so that a dead first one does not take it all.
        const auto left = std::max(end - Clock::now(), Clock::duration::zero());
        error = try_address(*order[i], Clock::now() + left / static_cast<int>(order.size() - i));
        if (error == 0) {
            break;
        }
    }
    const std::lock_guard lock(mutex_);
    const int result =
        error == 0 && !stopped_ && socket_ ? fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0) : -1;
    if (result < 0) {
        socket_ = FileDescriptor();
        return tl::unexpected(
            connect_fault(host, port, error == 0 ? errno : error, limits.connect));
    }
    set_blocking(result, limits);
    return result;
}

/// 0 or an error number.
int StoppableSocket::try_address(const addrinfo& address, Clock::time_point deadline) {
    FileDescriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                   address.ai_protocol));
    if (!socket) {
        return errno;
    }
    set_options(socket.get());
    const int error = start(std::move(socket), address);
    return error == EINPROGRESS ? finish(deadline) : error;
}

/// Under the lock, so that cut() finds either no socket, or one that its shutdown ends.
int StoppableSocket::start(FileDescriptor socket, const addrinfo& address) {
    const std::lock_guard lock(mutex_);
    if (stopped_ || is_interrupted_) {
        return ECANCELED;
    }
    const int status = ::connect(socket.get(), address.ai_addr, address.ai_addrlen);
    const int error = status == 0 ? 0 : errno;
    socket_ = std::move(socket);
    return error;
}

int StoppableSocket::finish(Clock::time_point deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        pollfd waited{socket_.get(), POLLOUT, 0};
        const int ready = poll(&waited, 1, static_cast<int>(std::max(left.count(), {})));
        if (stopped_) {
            return ECANCELED;
        }
        if (ready == 0) {
            return ETIMEDOUT;
        }
        if (ready > 0) {
            int error = 0;
            socklen_t size = sizeof error;
            return getsockopt(waited.fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
        }
        if (errno != EINTR) {
            return errno;
        }
    }
}

void StoppableSocket::begin() {
    const std::lock_guard lock(mutex_);
    is_under_way_ = true;
    is_interrupted_ = false;
}

void StoppableSocket::end() {
    const std::lock_guard lock(mutex_);
    is_under_way_ = false;
    socket_ = FileDescriptor();
}

void StoppableSocket::interrupt() {
    const std::lock_guard lock(mutex_);
    is_interrupted_ = is_under_way_;
    cut();
}

void StoppableSocket::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    cut();
}

/// It ends a connect under way, too.
void StoppableSocket::cut() {
    if (socket_) {
        (void)shutdown(socket_.get(), SHUT_RDWR);
    }
}

}  // namespace k8s_client

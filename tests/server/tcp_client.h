// A TCP client that never blocks, and the listener that it connects to.
// One thread; the test's own loop moves both sides.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "server/sockets.h"
#include "tests/server/messages.h"

namespace server::testing {

inline std::uint16_t port_of(int fd) {
    sockaddr_in6 address{};  // sin_port and sin6_port lie at the same place
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin6_port);
}

inline sockaddr_in loopback(std::uint16_t port, const char* address = "127.0.0.1") {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    inet_pton(AF_INET, address, &out.sin_addr);
    return out;
}

class TcpClient {
  public:
    /// Connected at once: the listener's backlog takes it. `receive_buffer`: 0 for the usual size.
    explicit TcpClient(std::uint16_t port, int receive_buffer = 0, const char* source = "127.0.0.1")
        : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const sockaddr_in from = loopback(0, source);
        if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
            throw std::runtime_error("cannot bind");
        }
        if (receive_buffer > 0) {
            setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        const sockaddr_in to = loopback(port);
        if (connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            throw std::runtime_error("cannot connect");
        }
    }

    int fd() const { return fd_.get(); }

    /// How much the kernel took.
    std::size_t send(const Octets& octets) const {
        const ssize_t sent =
            ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }
    void ask(const Asked& asked) const { send(framed(make_query(asked))); }
    void end_sending() const { ::shutdown(fd_.get(), SHUT_WR); }
    /// Closes with RST.
    void reset() {
        const linger at_once{1, 0};
        setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        fd_ = Fd();
    }
    void close() { fd_ = Fd(); }

    /// Takes what has arrived, `most` octets of it.
    void receive(std::size_t most = 1 << 20) {
        Octets buffer(most);
        const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) {
            stream_.insert(stream_.end(), buffer.begin(), buffer.begin() + got);
        }
        closed_ = closed_ || got == 0 || (got < 0 && errno != EAGAIN);
    }

    /// The whole messages received so far.
    std::vector<Octets> messages() {
        receive();
        return unframed(stream_);
    }
    std::vector<std::uint16_t> ids() {
        std::vector<std::uint16_t> ids;
        for (const Octets& message : messages()) {
            ids.push_back(zones::read_u16(message.data()));
        }
        return ids;
    }
    /// True if the server ended the connection.
    bool closed() {
        receive();
        return closed_;
    }
    std::size_t received() const { return stream_.size(); }

  private:
    Fd fd_;
    Octets stream_;
    bool closed_ = false;
};

}  // namespace server::testing

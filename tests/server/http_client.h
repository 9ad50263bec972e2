// A blocking HTTP client of tests, which sends whatever it is told to.
// One thread; every wait has an end.
#pragma once

#include <chrono>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/server/tcp_client.h"

namespace server::testing {

class HttpClient {
  public:
    using Clock = std::chrono::steady_clock;

    /// `receive_buffer`: 0 for the usual size.
    explicit HttpClient(std::uint16_t port, int receive_buffer = 0) : tcp_(port, receive_buffer) {}

    void send(std::string_view octets) const {
        (void)!::send(tcp_.fd(), octets.data(), octets.size(), MSG_NOSIGNAL);
    }

    /// One whole reply, or what came before the peer closed, or nothing came for `patience`.
    std::string reply(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
        while (!whole() && read_more(patience)) {
        }
        const std::size_t size = whole() ? size_of_reply() : in_.size();
        std::string out = in_.substr(0, size);
        in_.erase(0, size);
        return out;
    }
    std::string ask(std::string_view octets) {
        send(octets);
        return reply();
    }
    std::string get(std::string_view path) {
        return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    /// The peer closes within `patience`; what comes before is thrown away.
    bool closed(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
        while (read_more(patience)) {
        }
        return ended_;
    }

  private:
    bool read_more(std::chrono::milliseconds patience) {
        pollfd ready{tcp_.fd(), POLLIN, 0};
        if (ended_ || ::poll(&ready, 1, static_cast<int>(patience.count())) != 1) {
            return false;
        }
        char buffer[65536];
        const ssize_t size = ::recv(tcp_.fd(), buffer, sizeof buffer, 0);
        ended_ = size <= 0;
        in_.append(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
        return !ended_;
    }
    std::size_t size_of_reply() const {
        constexpr std::string_view kField = "Content-Length: ";
        const std::size_t head = in_.find("\r\n\r\n");
        const std::size_t field = in_.find(kField);
        if (head == in_.npos || field > head) {
            return std::string::npos;
        }
        return head + 4 + std::stoul(in_.substr(field + kField.size()));
    }
    bool whole() const { return size_of_reply() <= in_.size(); }

    TcpClient tcp_;
    std::string in_;
    bool ended_ = false;
};

inline int status_of(std::string_view reply) {
    return reply.starts_with("HTTP/1.1 ") ? std::stoi(std::string(reply.substr(9, 3))) : 0;
}

inline std::string body_of(std::string_view reply) {
    const std::size_t head = reply.find("\r\n\r\n");
    return head == reply.npos ? "" : std::string(reply.substr(head + 4));
}

}  // namespace server::testing

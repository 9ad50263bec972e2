#include "tests/support/fake_upstream.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace support {

namespace {

constexpr std::size_t kHeader = 12;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress make_address(const std::string& address, std::uint16_t port) {
    SocketAddress result;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        result.length = sizeof *v4;
    } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        result.length = sizeof *v6;
    }
    return result;
}

std::uint16_t port_of(const sockaddr_storage& address) {
    // sin_port and sin6_port lie at the same place.
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::uint16_t bound_port(int fd) {
    SocketAddress own;
    own.length = sizeof own.storage;
    getsockname(fd, own.get(), &own.length);
    return port_of(own.storage);
}

/// A bound socket, or one without descriptor.
Descriptor open_socket(const std::string& address, std::uint16_t port, int type) {
    auto bound = make_address(address, port);
    Descriptor socket(::socket(bound.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() >= 0 && ::bind(socket.get(), bound.get(), bound.length) != 0)
        socket.close();
    return socket;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

Descriptor::~Descriptor() {
    close();
}

void Descriptor::close() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

FakeUpstream::FakeUpstream(Script script, const std::string& address, Serves serves)
    : script_(std::move(script)), address_(address) {
    // The port that UDP gets may be taken for TCP: then another.
    for (int attempt = 0; attempt < 20; ++attempt) {
        udp_ = open_socket(address, 0, SOCK_DGRAM);
        if (udp_.get() < 0)
            break;
        port_ = bound_port(udp_.get());
        if (serves == Serves::UdpOnly)
            return;
        listener_ = open_socket(address, port_, SOCK_STREAM);
        if (listener_.get() >= 0 && ::listen(listener_.get(), 128) == 0)
            return;
    }
    throw std::runtime_error("cannot listen on " + address);
}

void FakeUpstream::send(const Received& query, std::span<const std::uint8_t> message) {
    if (query.over_tcp) {
        send_part(query, message, message.size() + 2);
        return;
    }
    const auto* client = reinterpret_cast<const sockaddr*>(&query.client);
    ::sendto(udp_.get(), message.data(), message.size(), 0, client, sizeof query.client);
}

void FakeUpstream::send_part(const Received& query, std::span<const std::uint8_t> message,
                             std::size_t octets) {
    Octets framed{static_cast<std::uint8_t>(message.size() >> 8),
                  static_cast<std::uint8_t>(message.size() & 0xff)};
    framed.insert(framed.end(), message.begin(), message.end());
    framed.resize(std::min(octets, framed.size()));
    for (const auto& connection : connections_) {
        if (connection.number == query.connection)
            ::send(connection.socket.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    }
}

void FakeUpstream::close_connection(const Received& query) {
    for (auto& connection : connections_) {
        if (connection.number == query.connection)
            connection.socket.close();
    }
}

void FakeUpstream::add_to(std::vector<pollfd>& polled) const {
    polled.push_back({udp_.get(), POLLIN, 0});
    if (listener_.get() >= 0)
        polled.push_back({listener_.get(), POLLIN, 0});
    for (const auto& connection : connections_)
        polled.push_back({connection.socket.get(), POLLIN, 0});
}

void FakeUpstream::work() {
    read_udp();
    accept_tcp();
    for (auto& connection : connections_) {
        if (!read_tcp(connection))
            connection.socket.close();
    }
    connections_.remove_if([](const auto& connection) { return connection.socket.get() < 0; });
}

void FakeUpstream::read_udp() {
    for (;;) {
        std::array<std::uint8_t, 4096> buffer{};
        Received query;
        socklen_t length = sizeof query.client;
        const ssize_t size = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                        reinterpret_cast<sockaddr*>(&query.client), &length);
        if (size < 0)
            return;
        query.message.assign(buffer.begin(), buffer.begin() + size);
        query.client_port = port_of(query.client);
        take(query);
    }
}

void FakeUpstream::accept_tcp() {
    for (;;) {
        Descriptor socket(
            ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket.get() < 0)
            return;
        connections_.push_back({++accepted_, std::move(socket), {}});
    }
}

/// False if the connection has come to its end.
bool FakeUpstream::read_tcp(Connection& connection) {
    std::array<std::uint8_t, 4096> buffer{};
    for (;;) {
        const ssize_t size = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
        if (size == 0 || (size < 0 && errno != EAGAIN))
            return false;
        if (size < 0)
            break;
        connection.input.insert(connection.input.end(), buffer.begin(), buffer.begin() + size);
    }
    while (connection.input.size() >= 2) {
        const std::size_t framed = 2U + read16(connection.input, 0);
        if (connection.input.size() < framed)
            break;
        const auto end = connection.input.begin() + static_cast<std::ptrdiff_t>(framed);
        Received query;
        query.message.assign(connection.input.begin() + 2, end);
        query.over_tcp = true;
        query.connection = connection.number;
        connection.input.erase(connection.input.begin(), end);
        take(query);
    }
    return true;
}

void FakeUpstream::take(const Received& query) {
    received_.push_back(query);
    if (script_)
        script_(*this, query);
}

std::uint16_t closed_port() {
    return bound_port(open_socket("127.0.0.1", 0, SOCK_DGRAM).get());
}

std::uint16_t read16(std::span<const std::uint8_t> message, std::size_t at) {
    return static_cast<std::uint16_t>(message[at] << 8 | message[at + 1]);
}

void write16(Octets& message, std::size_t at, std::uint16_t value) {
    message[at] = static_cast<std::uint8_t>(value >> 8);
    message[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

Octets make_reply(const Octets& query, std::uint8_t rcode) {
    auto end = kHeader;
    while (query[end] != 0)
        end += query[end] + 1U;
    Octets reply(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(end + 5));
    reply[2] |= 0x80;
    reply[3] = static_cast<std::uint8_t>(0x80 | rcode);
    std::fill(reply.begin() + 6, reply.begin() + kHeader, std::uint8_t{0});
    return reply;
}

Octets make_reply_of_size(const Octets& query, std::size_t size) {
    constexpr std::size_t kRecordHead = 12;  // pointer to the question, type, class, TTL, length
    constexpr std::size_t kLongestRecord = kRecordHead + 256;
    auto reply = make_reply(query);
    std::uint16_t records = 0;
    while (reply.size() < size) {
        std::size_t length = std::min(size - reply.size(), kLongestRecord);
        const std::size_t rest = size - reply.size() - length;
        if (rest != 0 && rest <= kRecordHead)
            length -= kRecordHead + 1;  // room for a last one
        const auto text = static_cast<std::uint8_t>(length - kRecordHead - 1);
        const Octets head{0xc0,
                          0x0c,
                          0,
                          16,
                          0,
                          1,
                          0,
                          0,
                          0,
                          60,
                          static_cast<std::uint8_t>((text + 1) >> 8),
                          static_cast<std::uint8_t>((text + 1) & 0xff),
                          text};
        reply.insert(reply.end(), head.begin(), head.end());
        reply.insert(reply.end(), text, std::uint8_t{'x'});
        ++records;
    }
    write16(reply, 6, records);
    return reply;
}

bool has_opt(const Octets& query) {
    return read16(query, 10) == 1;
}

}  // namespace support

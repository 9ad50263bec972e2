// An upstream DNS server that does what a test tells it, message by message, over UDP and TCP on
// one port of the loopback. It has no thread: the test's own loop polls its descriptors. Knows the
// framing of RFC 1035 §4.2.2 and no more of DNS than what the small message functions below need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <netinet/in.h>
#include <poll.h>
#include <span>
#include <string>
#include <vector>

namespace support {

using Octets = std::vector<std::uint8_t>;

/// Owns a descriptor.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return fd_; }
    void close();

  private:
    int fd_;
};

/// A query as it arrived.
struct Received {
    Octets message;
    bool over_tcp = false;
    sockaddr_storage client{};
    std::uint16_t client_port = 0;
    std::size_t connection = 0;  // of TCP, counted from 1
};

class FakeUpstream {
  public:
    using Script = std::function<void(FakeUpstream&, const Received&)>;

    enum class Serves { UdpAndTcp, UdpOnly };

    /// Listens on a free port of `address`, "127.0.0.1" or "::1"; throws std::runtime_error if the
    /// host has no such address.
    explicit FakeUpstream(Script script, const std::string& address = "127.0.0.1",
                          Serves serves = Serves::UdpAndTcp);

    const std::string& address() const { return address_; }
    std::uint16_t port() const { return port_; }

    /// Everything received so far, in order.
    const std::vector<Received>& received() const { return received_; }
    void set_script(Script script) { script_ = std::move(script); }

    /// Answers the way the query came.
    void send(const Received& query, std::span<const std::uint8_t> message);
    /// The first `octets` of the framed message, over TCP.
    void send_part(const Received& query, std::span<const std::uint8_t> message,
                   std::size_t octets);
    void close_connection(const Received& query);

    void add_to(std::vector<pollfd>& polled) const;
    /// Works off whatever is readable, without waiting.
    void work();

  private:
    struct Connection {
        std::size_t number = 0;
        Descriptor socket;
        Octets input;
    };

    void read_udp();
    void accept_tcp();
    bool read_tcp(Connection& connection);
    void take(const Received& query);

    Script script_;
    std::string address_;
    std::uint16_t port_ = 0;
    Descriptor udp_;
    Descriptor listener_;
    std::list<Connection> connections_;
    std::size_t accepted_ = 0;
    std::vector<Received> received_;
};

/// A port of 127.0.0.1 that nobody listens on.
std::uint16_t closed_port();

std::uint16_t read16(std::span<const std::uint8_t> message, std::size_t at);
void write16(Octets& message, std::size_t at, std::uint16_t value);

/// The query's header and question turned into an empty reply with this rcode, without OPT.
Octets make_reply(const Octets& query, std::uint8_t rcode = 0);

/// make_reply() with TXT records in the answer that fill it to exactly `size` octets.
Octets make_reply_of_size(const Octets& query, std::size_t size);

bool has_opt(const Octets& query);

}  // namespace support

#include "server/udp_socket.h"

#include <poll.h>
#include <set>

#include <doctest/doctest.h>

#include "tests/server/rig.h"
#include "tests/server/tcp_client.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using server::Fd;
using server::UdpBatch;
using server::UdpSocket;

namespace {

/// A socket on `listen`, a pipeline behind it, and clients that send to it.
struct UdpRig : Rig {
    explicit UdpRig(const server::Listen& listen, std::uint16_t upstream_port = 9,
                    std::size_t bufsize = zones::kUdpSize)
        : Rig(blocks(listen, upstream_port, bufsize)),
          socket(server::open_udp({listen.address, 0}), server::is_wildcard(listen), 0),
          port(port_of(socket.fd())) {
        apply({cluster_ip("prod", "web", "10.0.0.1")});
        send_through(socket);
    }
    static std::vector<server::ServerBlock> blocks(const server::Listen& listen,
                                                   std::uint16_t upstream_port,
                                                   std::size_t bufsize) {
        auto one = cluster_block({"cluster.local"}, upstream_port);
        one.shape.emplace().udp_size = bufsize;
        one.keys = {{name("."), {listen}}};
        return {one};
    }

    UdpSocket socket;
    std::uint16_t port;
    std::unique_ptr<UdpBatch> batch = std::make_unique<UdpBatch>(routing().udp_reply_size);
};

struct Datagram {
    Octets octets;
    std::string from;
};

/// A client without connection: it sees who a reply comes from.
class UdpClient {
  public:
    explicit UdpClient(int family = AF_INET) : fd_(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

    bool send(const char* address, std::uint16_t port, const Octets& octets) const {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
            return send_to(reinterpret_cast<sockaddr*>(&v6), sizeof v6, octets);
        }
        sockaddr_in v4 = loopback(port, address);
        return send_to(reinterpret_cast<sockaddr*>(&v4), sizeof v4, octets);
    }

    /// The next reply; an empty one if none comes within `wait_ms`.
    Datagram receive(int wait_ms = 5000) const {
        pollfd readable{fd_.get(), POLLIN, 0};
        if (poll(&readable, 1, wait_ms) != 1) {
            return {};
        }
        Datagram datagram{Octets(65536), ""};
        sockaddr_in6 from{};
        socklen_t size = sizeof from;
        const ssize_t got = recvfrom(fd_.get(), datagram.octets.data(), datagram.octets.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
        datagram.octets.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        char text[INET6_ADDRSTRLEN] = "";
        const void* address = &from.sin6_addr;
        if (from.sin6_family == AF_INET) {
            address = &reinterpret_cast<sockaddr_in&>(from).sin_addr;
        }
        inet_ntop(from.sin6_family, address, text, sizeof text);
        datagram.from = text;
        return datagram;
    }

  private:
    bool send_to(const sockaddr* to, socklen_t size, const Octets& octets) const {
        const ssize_t sent = sendto(fd_.get(), octets.data(), octets.size(), 0, to, size);
        return sent == static_cast<ssize_t>(octets.size());
    }

    Fd fd_;
};

Octets web_query(std::uint16_t id) {
    return make_query({.name = "web.prod.svc.cluster.local", .id = id});
}

bool has_ipv6_loopback() {
    const Fd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return fd && bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

TEST_CASE("a query and its reply") {
    UdpRig rig({"127.0.0.1", 53});
    UdpClient client;
    REQUIRE(client.send("127.0.0.1", rig.port, web_query(7)));
    CHECK_FALSE(rig.socket.serve(*rig.batch, rig.pipeline(), rig.route()));
    const Datagram reply = client.receive();
    CHECK(read_reply(reply.octets).answer.size() == 1);
    CHECK(read_reply(reply.octets).id == 7);
    CHECK(reply.from == "127.0.0.1");
    CHECK_FALSE(rig.socket.serve(*rig.batch, rig.pipeline(), rig.route()));  // nothing has come
    CHECK(rig.pipeline().counters().messages.get() == 1);
}

TEST_CASE("more than a batch: the socket says that there may be more") {
    UdpRig rig({"127.0.0.1", 53});
    UdpClient client;
    constexpr std::uint16_t kQueries = 150;
    for (std::uint16_t id = 0; id < kQueries; ++id) {
        REQUIRE(client.send("127.0.0.1", rig.port, web_query(id)));
    }
    CHECK(rig.socket.serve(*rig.batch, rig.pipeline(), rig.route()));
    CHECK(rig.pipeline().counters().messages.get() == 64);
    CHECK(rig.socket.serve(*rig.batch, rig.pipeline(), rig.route()));
    CHECK_FALSE(rig.socket.serve(*rig.batch, rig.pipeline(), rig.route()));
    for (std::uint16_t id = 0; id < kQueries; ++id) {
        REQUIRE(read_reply(client.receive().octets).id == id);
    }
    CHECK(rig.socket.unsent() == 0);
}

TEST_CASE("in a batch some have no reply, and the others get theirs") {
    UdpRig rig({"127.0.0.1", 53});
    UdpClient first, second;
    for (std::uint16_t id = 0; id < 20; ++id) {
        Octets query = web_query(id);
        query[2] = static_cast<std::uint8_t>(id % 3 == 0 ? 0x80 : 0x00);
        const UdpClient& client = id % 2 == 0 ? first : second;
        REQUIRE(client.send("127.0.0.1", rig.port, query));
    }
    REQUIRE(first.send("127.0.0.1", rig.port, {}));
    REQUIRE(second.send("127.0.0.1", rig.port, {1, 2, 3}));
    rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    for (std::uint16_t id = 0; id < 20; ++id) {
        if (id % 3 != 0) {
            REQUIRE(read_reply((id % 2 == 0 ? first : second).receive().octets).id == id);
        }
    }
    CHECK(first.receive(0).octets.empty());
    CHECK(rig.pipeline().counters().all_dropped() == 9);
}

TEST_CASE("on a wildcard the reply comes from the address that was asked") {
    UdpRig rig({"0.0.0.0", 53});
    UdpClient client;
    for (const char* address : {"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.0.0.1"}) {
        REQUIRE(client.send(address, rig.port, web_query(1)));
    }
    rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    for (const char* address : {"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.0.0.1"}) {
        const Datagram reply = client.receive();
        CHECK(reply.from == address);
        CHECK(read_reply(reply.octets).answer.size() == 1);
    }
}

TEST_CASE("a late reply comes from the address that was asked, too") {
    std::vector<support::Received> held;
    support::FakeUpstream upstream(
        [&](support::FakeUpstream&, const support::Received& query) { held.push_back(query); });
    UdpRig rig({"0.0.0.0", 53}, upstream.port());
    rig.serve(upstream);
    UdpClient client;
    for (const char* address : {"127.0.0.2", "127.0.0.3"}) {
        REQUIRE(client.send(address, rig.port, make_query({.name = address})));
        rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    }
    REQUIRE(client.send("127.0.0.4", rig.port, web_query(1)));  // uses the batch's room again
    rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    CHECK(client.receive().from == "127.0.0.4");
    REQUIRE(rig.run_until([&] { return held.size() == 2; }));
    for (const auto& query : held) {
        answer_with_address(upstream, query);
    }
    std::set<std::string> senders;
    CHECK(rig.run_until([&] {
        senders.insert(client.receive(0).from);
        return senders.contains("127.0.0.2") && senders.contains("127.0.0.3");
    }));
}

TEST_CASE("replies of the size that bufsize allows, at once and late") {
    constexpr std::size_t kSize = 4096;
    support::FakeUpstream upstream([](support::FakeUpstream& from, const support::Received& query) {
        Octets reply = support::make_reply(query.message);
        for (std::uint8_t last = 0; last < 100; ++last) {
            add_address(reply, zones::Section::Answer, asked_name(query), last);
        }
        from.send(query, reply);
    });
    UdpRig rig({"127.0.0.1", 53}, upstream.port(), kSize);
    rig.serve(upstream);
    UdpClient client;
    const auto asks = [&](const char* name) {
        REQUIRE(client.send("127.0.0.1", rig.port,
                            make_query({.name = name, .edns = true, .udp_size = kSize})));
        rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    };
    std::vector<std::string> addresses;
    for (int i = 1; i <= 200; ++i) {
        addresses.push_back("10.1.0." + std::to_string(i));
    }
    rig.apply({headless("prod", "large"), endpoints("prod", "large", addresses)});
    asks("large.prod.svc.cluster.local");
    CHECK(read_reply(client.receive().octets).answer.size() == 200);
    asks("one.test");
    asks("two.test");
    std::size_t answers = 0;
    CHECK(rig.run_until([&] {
        const Octets octets = client.receive(0).octets;
        answers += octets.empty() ? 0 : read_reply(octets).answer.size();
        return answers == 200;
    }));
}

TEST_CASE("IPv6: the wildcard answers from ::1, and leaves IPv4 to its own socket") {
    if (!has_ipv6_loopback()) {
        MESSAGE("skipped: this host has no IPv6");
        return;
    }
    UdpRig rig({"::", 53});
    UdpClient client(AF_INET6);
    REQUIRE(client.send("::1", rig.port, web_query(1)));
    rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    const Datagram reply = client.receive();
    CHECK(reply.from == "::1");
    CHECK(read_reply(reply.octets).answer.size() == 1);
    const Fd v4 = server::open_udp({"0.0.0.0", rig.port});
    CHECK(v4);
}

TEST_CASE("datagrams longer than any query are malformed, not fatal") {
    UdpRig rig({"127.0.0.1", 53});
    UdpClient client;
    Octets query = web_query(1);
    query.resize(3000);
    REQUIRE(client.send("127.0.0.1", rig.port, query));
    query.resize(60000);
    query[1] = 2;
    REQUIRE(client.send("127.0.0.1", rig.port, query));
    rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    for (std::uint16_t id = 1; id <= 2; ++id) {
        const Reply reply = read_reply(client.receive().octets);
        CHECK(reply.id == id);
        CHECK(reply.rcode == "FORMERR");
    }
}

TEST_CASE("a reply that cannot be sent is counted, and costs the others nothing") {
    UdpRig rig({"127.0.0.1", 53});
    server::Client nowhere;
    nowhere.peer.v4 = loopback(0);  // no datagram goes to port 0
    nowhere.peer_size = sizeof nowhere.peer.v4;
    const Octets reply(12, 0);
    rig.socket.send(nowhere, reply.data(), reply.size());
    rig.socket.flush();
    CHECK(rig.socket.unsent() == 1);
    UdpClient client;
    REQUIRE(client.send("127.0.0.1", rig.port, web_query(1)));
    rig.socket.serve(*rig.batch, rig.pipeline(), rig.route());
    CHECK_FALSE(client.receive().octets.empty());
}

TEST_CASE("what does not fit into the queue is counted, once") {
    UdpRig rig({"127.0.0.1", 0});
    const int small = 4096;
    setsockopt(rig.socket.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const UdpClient client;
    constexpr std::size_t kSent = 200;
    for (std::size_t i = 0; i < kSent; ++i) {
        REQUIRE(
            client.send("127.0.0.1", rig.port, make_query({.name = "web.prod.svc.cluster.local"})));
    }
    while (rig.socket.serve(*rig.batch, rig.pipeline(), rig.route())) {
    }
    const auto served = rig.pipeline().counters().messages.get();
    CHECK(served > 0);
    CHECK(rig.socket.take_overflows() == kSent - served);
    CHECK(rig.socket.take_overflows() == 0);
}

// Workers that serve a cluster of one Service on loopback, and a client of theirs.
// The test's thread makes and asks; each worker has its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>

#include <doctest/doctest.h>

#include "server/workers.h"
#include "tests/server/rig.h"
#include "tests/server/tcp_client.h"

namespace server::testing {

/// Workers on a free port of 127.0.0.1, each in its thread.
class Serving {
  public:
    explicit Serving(unsigned workers, std::uint16_t upstream_port = 9,
                     std::chrono::milliseconds read_timeout = std::chrono::milliseconds(200),
                     const char* address = "127.0.0.1")
        : config_(config_for(upstream_port, read_timeout, address)),
          routing_(std::make_shared<Routing>(make_routing(config_, {}, {}))),
          workers_(workers) {
        cluster().apply(
            std::vector<Change>{namespace_object(), cluster_ip("prod", "web", "10.0.0.1")});
        cluster().synced();
        workers_.serve(routing_, workers_.open(listens_of(config_)));
    }

    std::uint16_t port() const { return routing_->routes.front().listen.port; }
    Cluster& cluster() { return *routing_->clusters.front(); }
    Workers& workers() { return workers_; }
    const Config& config() const { return config_; }
    const std::shared_ptr<Routing>& routing() const { return routing_; }
    void stop(Worker::Stop how = Worker::Stop::Drain) { workers_.stop(how); }

  private:
    static Config config_for(std::uint16_t upstream_port, std::chrono::milliseconds read_timeout,
                             const char* address) {
        Config config;
        config.blocks = {cluster_block({"cluster.local"}, upstream_port)};
        config.blocks.front().keys.front().listens = {{address, 0}};
        config.blocks.front().forwards.front().options.read_timeout = read_timeout;
        settle_listens(config);
        return config;
    }

    Config config_;
    std::shared_ptr<Routing> routing_;
    Workers workers_;
};

/// A client on a socket, and so a source port, of its own.
class UdpAsker {
  public:
    explicit UdpAsker(std::uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const sockaddr_in to = loopback(port);
        REQUIRE(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    }
    void send(const Asked& asked) const {
        const Octets query = make_query(asked);
        CHECK(::send(fd_.get(), query.data(), query.size(), 0) ==
              static_cast<ssize_t>(query.size()));
    }
    /// Empty if nothing comes.
    Octets receive(std::chrono::milliseconds wait = std::chrono::seconds(10)) const {
        pollfd readable{fd_.get(), POLLIN, 0};
        if (poll(&readable, 1, static_cast<int>(wait.count())) != 1) {
            return {};
        }
        Octets out(65536);
        const ssize_t got = recv(fd_.get(), out.data(), out.size(), 0);
        out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return out;
    }
    Octets ask(const Asked& asked) const {
        send(asked);
        return receive();
    }

  private:
    Fd fd_;
};

inline bool wait_for(const std::function<bool()>& condition, int fd = -1) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        pollfd readable{fd, POLLIN, 0};
        poll(&readable, 1, 10);
    }
    return true;
}

inline std::string address_of_web(const UdpAsker& udp) {
    const Octets reply = udp.ask(web(1));
    return reply.empty() ? "" : read_reply(reply).answer.at(0);
}

}  // namespace server::testing

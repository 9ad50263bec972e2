// A pipeline and its TCP connections in one thread, with the test as their event loop.
// Implements what a Worker does for them; knows no thread and opens no listener of its own. The
// test owns the clock: advance() moves it, waiting does not.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "server/pipeline.h"
#include "server/tcp_connections.h"
#include "server/udp_socket.h"
#include "tests/server/blocks.h"
#include "tests/server/messages.h"
#include "tests/server/objects.h"
#include "tests/support/fake_upstream.h"

namespace server::testing {

class Rig : private resolver::Reactor, private ReplySender {
  public:
    using Clock = Pipeline::Clock;

    /// `log` is for the lines of `log` and `errors`, if they are wanted.
    explicit Rig(std::vector<ServerBlock> blocks, TcpLimits limits = {}, LogSink* log = nullptr);
    ~Rig() override;

    /// Objects of namespace prod, the first cluster's unless told otherwise; synced from then on.
    void apply(const std::vector<Change>& changes, std::size_t cluster = 0);

    /// Asks over UDP on the first route: the reply that is there at once, or comes within 10 s.
    Octets ask(const Octets& query);
    Reply ask(const Asked& asked) { return read_reply(ask(make_query(asked))); }
    /// The same over TCP, without a connection.
    Octets ask_as_tcp(const Octets& query);
    /// Without waiting; what comes later is found in late().
    Handled handle(const Octets& query, const Client& client = {});
    std::span<const std::uint8_t> reply() const { return reply_; }

    /// Replies over UDP that came after their query was handled, in order.
    const std::vector<Octets>& late() const { return late_; }

    /// Serves upstreams, connections and ticks until the condition holds; false after 10 s.
    bool run_until(const std::function<bool()>& condition);
    /// Works off what is ready now, and no more.
    void run_once(int wait_ms = 0);
    void serve(support::FakeUpstream& upstream) { upstreams_.push_back(&upstream); }
    /// Gives each late reply over UDP to the socket that its client names, instead of keeping it.
    void send_through(UdpSocket& socket) { socket_ = &socket; }

    void advance(std::chrono::milliseconds by) { ahead_ += by; }
    Clock::time_point now() const { return Clock::now() + ahead_; }

    Pipeline& pipeline() { return *pipeline_; }
    TcpConnections& tcp() { return *tcp_; }
    Routing& routing() { return routing_; }
    Metrics& metrics() { return metrics_; }
    const Route& route(std::size_t i = 0) const { return routing_.routes.at(i); }
    void stop() { pipeline_.reset(); }

  private:
    void watch(int fd, bool readable, bool writable) override;
    void send(const Client& client, const std::uint8_t* reply, std::size_t size) override;
    void serve_connections();

    Config config_;
    Metrics metrics_{1};
    Routing routing_;
    std::map<int, short> watched_;
    std::vector<support::FakeUpstream*> upstreams_;
    UdpSocket* socket_ = nullptr;
    std::vector<Octets> late_;
    Octets reply_;
    Clock::duration ahead_{};
    EventPoll poll_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<TcpConnections> tcp_;
};

/// The first of these zones with a cluster, and everything forwarded to the port given, if one is.
ServerBlock cluster_block(const std::vector<std::string>& zone_names,
                          std::optional<std::uint16_t> upstream_port = std::nullopt);

/// For a Service of the cluster, web in prod.
inline Asked web(std::uint16_t id) {
    return {.name = "web.prod.svc.cluster.local", .id = id};
}
/// For one of many names outside.
inline Asked elsewhere(std::uint16_t id) {
    return {.name = std::to_string(id) + ".example.org", .id = id};
}

}  // namespace server::testing

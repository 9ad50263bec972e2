// A Rig with a TCP listener, for tests of connections.
// One thread, the test's.
#pragma once

#include "tests/server/rig.h"
#include "tests/server/tcp_client.h"

namespace server::testing {

/// cluster.local with web.prod, and the rest forwarded to an upstream that holds what it gets.
class TcpRig : public Rig {
  public:
    explicit TcpRig(TcpLimits limits = {}) : TcpRig(std::make_unique<Upstream>(), limits) {}

    std::uint16_t port() const { return port_of(listener_.get()); }
    const std::vector<support::Received>& held() const { return upstream_->held; }
    support::FakeUpstream& upstream() { return upstream_->server; }

    /// Takes what has connected.
    bool accept() { return tcp().accept_from(listener_.get(), route(), now()); }
    TcpClient connected(int receive_buffer = 0) {
        TcpClient client(port(), receive_buffer);
        accept();
        return client;
    }
    TcpClient connected_from(const char* source) {
        TcpClient client(port(), 0, source);
        accept();
        return client;
    }
    bool run_until_ids(TcpClient& client, const std::vector<std::uint16_t>& ids) {
        return run_until([&] { return client.ids() == ids; });
    }
    bool run_until_closed(TcpClient& client) {
        return run_until([&] { return client.closed(); });
    }
    /// Until nothing moves any more: a round without an event.
    void run_dry() {
        for (int i = 0; i < 20; ++i) {
            run_once();
        }
    }

  private:
    struct Upstream {
        std::vector<support::Received> held;
        support::FakeUpstream server{
            [this](support::FakeUpstream&, const support::Received& query) {
                held.push_back(query);
            }};
    };

    TcpRig(std::unique_ptr<Upstream> upstream, TcpLimits limits)
        : Rig({cluster_block({"cluster.local"}, upstream->server.port())}, limits),
          upstream_(std::move(upstream)),
          listener_(open_tcp({"127.0.0.1", 0})) {
        serve(upstream_->server);
        apply({cluster_ip("prod", "web", "10.0.0.1")});
    }

    std::unique_ptr<Upstream> upstream_;
    Fd listener_;
};

}  // namespace server::testing

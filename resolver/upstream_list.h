// The upstreams of one forwarder, in the Corefile's order, and whose turn it is.
// Knows policy and health; knows no question. The list may be replaced at any time: who is asked
// in both keeps its sockets, health and counts; who is in the new one no more lives on until its
// last question has ended. Lives on one thread.
#pragma once

#include <memory>
#include <vector>

#include "resolver/upstream_order.h"
#include "resolver/upstream_server.h"

namespace resolver {

/// How far one question has come in the list.
struct Turn {
    Order order{};
    std::uint32_t of = 0;      // the list that `order` is for
    std::size_t position = 0;  // counts on at the end of `order`
};

class UpstreamList {
  public:
    /// Empty. All are borrowed.
    UpstreamList(SocketTable& sockets, FinishedQueue& finished, const ForwardOptions& options);

    /// All or nothing: false for a number of them out of range, or an address that is none.
    bool take(const std::vector<Upstream>& upstreams);

    /// The next one in good health, or null.
    UpstreamServer* next(Turn& turn, RandomBits& random);
    /// Any that does not loop, or null.
    UpstreamServer* any(RandomBits& random);

    void tick(RandomBits& random, Clock::time_point now);
    void handle_probes();
    /// Drops all that is in flight.
    void clear();

    std::size_t size() const { return servers_.size(); }
    const std::vector<std::unique_ptr<UpstreamServer>>& servers() const { return servers_; }

  private:
    std::unique_ptr<UpstreamServer> take_out(const Upstream& upstream);

    SocketTable& sockets_;
    FinishedQueue& finished_;
    const ForwardOptions& options_;
    UpstreamOrder order_;
    std::uint32_t list_ = 0;  // counts the lists
    std::vector<std::unique_ptr<UpstreamServer>> leaving_;
    std::vector<std::unique_ptr<UpstreamServer>> servers_;
};

}  // namespace resolver

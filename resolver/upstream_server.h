// One upstream: its channels for each transport, its health, and what is counted of it.
// Knows how it is reached; knows nothing of questions, and not of the other upstreams. Stays where
// it is, since its channels refer to it. Lives on one thread.
#pragma once

#include <optional>

#include "resolver/channel_pool.h"
#include "resolver/health.h"
#include "resolver/loop_prober.h"

namespace resolver {

class UpstreamServer {
  public:
    /// `options` must outlive it. `udp_channels`: its share of them. Nothing if the upstream's
    /// address, or source_address, is none.
    static std::unique_ptr<UpstreamServer> make(SocketTable& sockets, FinishedQueue& finished,
                                                const ForwardOptions& options,
                                                const Upstream& upstream, std::size_t udp_channels);
    ~UpstreamServer();
    UpstreamServer(const UpstreamServer&) = delete;
    UpstreamServer& operator=(const UpstreamServer&) = delete;

    const Upstream& upstream() const { return upstream_; }
    UpstreamMeter* meter() const { return meter_; }
    UpstreamCounters& counters() { return counters_; }
    Health& health() { return health_; }
    bool loops() const { return loop_.loops(); }
    /// In good health, and no loop.
    bool usable() const { return !health_.down() && !loops(); }

    /// Null if there is no memory for a channel.
    Channel* pick(bool tcp, bool edns, RandomBits& random, Clock::time_point now);
    void tick(RandomBits& random, Clock::time_point now);
    /// After anything that may have brought a probe's reply.
    void handle_probes();
    /// No question is in flight; a probe may be.
    bool idle() const;

  private:
    UpstreamServer(SocketTable& sockets, FinishedQueue& finished, const ForwardOptions& options,
                   const Upstream& upstream, const ChannelSettings& settings,
                   std::size_t udp_channels);

    void tell();
    void report();

    Upstream upstream_;
    const ForwardOptions& options_;
    UpstreamMeter* meter_;  // null: nobody counts
    bool was_down_ = false;
    UpstreamCounters counters_;
    UpstreamCounters reported_;
    ChannelPool udp_;
    ChannelPool udp_plain_;
    ChannelPool tcp_;
    Health health_;
    LoopProber loop_;
};

}  // namespace resolver

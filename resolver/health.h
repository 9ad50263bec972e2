// Whether one upstream is in good health, as this worker sees it.
// As with CoreDNS, probes start when an exchange has failed and go on until one is answered; only
// failed probes make an upstream down, never the questions of clients. Knows one upstream's address
// and nothing of questions. Owns the channel and the one probe in flight. Lives on one thread.
#pragma once

#include <cstdint>

#include "resolver/channel_pool.h"

namespace resolver {

class Health {
  public:
    /// All but the settings are borrowed; the time-out in the settings is replaced by a probe's.
    Health(SocketTable& sockets, UpstreamCounters& counters, const HealthOptions& options,
           ChannelSettings settings);
    Health(const Health&) = delete;
    Health& operator=(const Health&) = delete;

    /// An exchange with the upstream has failed.
    void suspect(RandomBits& random, Clock::time_point now);

    bool down() const { return options_.max_fails != 0 && failed_ > options_.max_fails; }

    /// Sends the probe that is due.
    void tick(RandomBits& random, Clock::time_point now);
    /// After anything that may have brought a probe's reply.
    void handle_finished();

  private:
    void send(RandomBits& random, Clock::time_point now);

    UpstreamCounters& counters_;
    const HealthOptions& options_;
    UpstreamQuery query_;
    Exchange probe_;
    bool probing_ = false;
    bool in_flight_ = false;
    std::uint32_t failed_ = 0;  // in a row
    Clock::time_point next_;
    FinishedQueue finished_;
    ChannelPool channels_;  // last: refers to the queue and the probe
};

}  // namespace resolver

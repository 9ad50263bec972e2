// Sends the probes for loops to one upstream.
// Knows how the upstream is reached; what a probe asks and means is the LoopWatch's. Owns the
// channel and the one probe in flight. Lives on one thread.
#pragma once

#include <memory>
#include <optional>

#include "resolver/channel_pool.h"
#include "resolver/loop_watch.h"

namespace resolver {

class LoopProber {
  public:
    /// All but the settings and the probe are borrowed. Without a probe nothing is sent.
    LoopProber(SocketTable& sockets, UpstreamCounters& counters, LoopWatch* watch,
               std::shared_ptr<LoopProbe> probe, const ChannelSettings& settings);
    LoopProber(const LoopProber&) = delete;
    LoopProber& operator=(const LoopProber&) = delete;

    bool loops() const { return probe_ != nullptr && probe_->loops(); }

    /// Sends the probe that is due.
    void tick(RandomBits& random, Clock::time_point now);
    /// After anything that may have brought its reply.
    void handle_finished();

  private:
    LoopWatch* watch_;
    std::shared_ptr<LoopProbe> probe_;
    std::optional<UpstreamQuery> query_;
    Exchange exchange_;
    bool in_flight_ = false;
    FinishedQueue finished_;
    ChannelPool channels_;  // last: refers to the queue and the exchange
};

}  // namespace resolver

// The channels to one upstream over one transport.
// c-ares keeps one UDP source port for as long as anything is in flight on a channel; so questions
// are spread over several channels, chosen unpredictably, and each is replaced by count and by age.
// Those that are sent together share one, since a socket costs a system call each way.
// A replaced channel lives on until its last exchange has ended. Lives on one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "resolver/channel.h"
#include "resolver/random_bits.h"

namespace resolver {

class ChannelPool {
  public:
    /// A channel is replaced after five seconds, or after `oldest` if that is less.
    ChannelPool(SocketTable& sockets, FinishedQueue& finished, UpstreamCounters& counters,
                const ChannelSettings& settings, std::size_t size,
                std::chrono::milliseconds oldest = std::chrono::seconds(5));

    /// A channel for one more exchange; null if there is no memory for one.
    Channel* pick(RandomBits& random, Clock::time_point now);

    /// Runs time-outs, and closes what is old and idle.
    void tick(Clock::time_point now);

    /// Nothing is in flight.
    bool idle() const;

  private:
    std::size_t choose(RandomBits& random);
    bool worn(const Channel& channel, Clock::time_point now) const;
    void drain(std::unique_ptr<Channel>& slot);
    void take_spares();
    void keep_or_drop(std::unique_ptr<Channel>& channel);
    std::unique_ptr<Channel> open();

    SocketTable& sockets_;
    FinishedQueue& finished_;
    UpstreamCounters& counters_;
    ChannelSettings settings_;
    std::chrono::milliseconds oldest_;
    std::vector<std::unique_ptr<Channel>> slots_;  // null until first picked
    std::size_t picked_ = 0;                       // the slot of those that are sent next
    std::size_t picks_left_ = 0;                   // for that slot, in that round
    std::uint64_t picked_in_ = 0;                  // round of the SocketTable
    std::vector<std::unique_ptr<Channel>> draining_;
    std::vector<std::unique_ptr<Channel>> spares_;  // to open one costs 72 KiB of initialising
};

}  // namespace resolver

// The channels to one upstream over one transport.
// c-ares keeps one UDP source port for as long as anything is in flight on a channel; so questions
// are spread over several channels, chosen unpredictably, and each is replaced by count and by age.
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
    ChannelPool(SocketTable& sockets, FinishedQueue& finished, const ServerAddress& server,
                Transport transport, std::chrono::milliseconds timeout, std::size_t size);

    /// A channel for one more exchange; null if there is no memory for one.
    Channel* pick(RandomBits& random, Clock::time_point now);

    /// Runs time-outs, and closes what is old and idle.
    void tick(Clock::time_point now);

  private:
    bool worn(const Channel& channel, Clock::time_point now) const;
    void drain(std::unique_ptr<Channel>& slot);
    std::unique_ptr<Channel> open() const;

    SocketTable& sockets_;
    FinishedQueue& finished_;
    ServerAddress server_;
    Transport transport_;
    std::chrono::milliseconds timeout_;
    std::vector<std::unique_ptr<Channel>> slots_;  // null until first picked
    std::vector<std::unique_ptr<Channel>> draining_;
};

}  // namespace resolver

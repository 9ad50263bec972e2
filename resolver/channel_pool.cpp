#include "resolver/channel_pool.h"

#include <utility>

namespace resolver {

namespace {

// 100,000 questions in one unbroken stream are then seen from 1,500 source ports and more.
constexpr std::size_t kMostSent = 64;
constexpr std::chrono::seconds kOldest{5};
// Bounds what a silent upstream can hold: a channel costs 72 KiB in c-ares 1.18.
constexpr std::size_t kMostDrainingPerSlot = 2;

}  // namespace

ChannelPool::ChannelPool(SocketTable& sockets, FinishedQueue& finished, const ServerAddress& server,
                         Transport transport, std::chrono::milliseconds timeout, std::size_t size)
    : sockets_(sockets),
      finished_(finished),
      server_(server),
      transport_(transport),
      timeout_(timeout),
      slots_(size) {}

Channel* ChannelPool::pick(RandomBits& random, Clock::time_point now) {
    auto& slot = slots_[random.below(slots_.size())];
    if (slot && worn(*slot, now))
        drain(slot);
    if (!slot)
        slot = open();
    return slot.get();
}

void ChannelPool::tick(Clock::time_point now) {
    for (auto& channel : draining_)
        channel->process_timeouts();
    for (auto& slot : slots_) {
        if (!slot)
            continue;
        if (!slot->idle())
            slot->process_timeouts();
        else if (worn(*slot, now))
            slot.reset();
    }
    std::erase_if(draining_, [](const auto& channel) { return channel->idle(); });
}

bool ChannelPool::worn(const Channel& channel, Clock::time_point now) const {
    return channel.retired() || channel.sent() >= kMostSent || now - channel.opened() >= kOldest;
}

void ChannelPool::drain(std::unique_ptr<Channel>& slot) {
    if (slot->idle()) {
        slot.reset();
        return;
    }
    std::erase_if(draining_, [](const auto& channel) { return channel->idle(); });
    if (draining_.size() < kMostDrainingPerSlot * slots_.size())
        draining_.push_back(std::move(slot));
}

std::unique_ptr<Channel> ChannelPool::open() const {
    auto channel = std::make_unique<Channel>(sockets_, finished_);
    return channel->open(server_, transport_, timeout_) ? std::move(channel) : nullptr;
}

}  // namespace resolver

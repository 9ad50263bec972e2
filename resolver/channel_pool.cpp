#include "resolver/channel_pool.h"

#include <algorithm>
#include <utility>

namespace resolver {

namespace {

// A channel changes its port as soon as it may, see Channel; one that is never without a question
// in flight is replaced, and with it its port.
constexpr std::size_t kMostSent = 64;
constexpr std::chrono::milliseconds kOldest{5000};
// Bounds what a silent upstream can hold: a channel costs 72 KiB in c-ares 1.18.
constexpr std::size_t kMostDrainingPerSlot = 2;

}  // namespace

ChannelPool::ChannelPool(SocketTable& sockets, FinishedQueue& finished, UpstreamCounters& counters,
                         const ChannelSettings& settings, std::size_t size,
                         std::chrono::milliseconds oldest)
    : sockets_(sockets),
      finished_(finished),
      counters_(counters),
      settings_(settings),
      oldest_(std::min(oldest, kOldest)),
      slots_(size) {}

/// Where questions come one at a time, each has another; of many, a batch's worth.
std::size_t ChannelPool::choose(RandomBits& random) {
    if (picks_left_ == 0 || picked_in_ != sockets_.round()) {
        picked_ = random.below(slots_.size());
        picked_in_ = sockets_.round();
        picks_left_ = UdpPort::kMostUnsent;
    }
    --picks_left_;
    return picked_;
}

Channel* ChannelPool::pick(RandomBits& random, Clock::time_point now) {
    auto& slot = slots_[choose(random)];
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
            keep_or_drop(slot);
    }
    take_spares();
}

bool ChannelPool::idle() const {
    const auto at_rest = [](const auto& channel) { return !channel || channel->idle(); };
    return std::ranges::all_of(slots_, at_rest) && std::ranges::all_of(draining_, at_rest);
}

bool ChannelPool::worn(const Channel& channel, Clock::time_point now) const {
    return channel.retired() || channel.sent() >= kMostSent || now - channel.opened() >= oldest_;
}

void ChannelPool::drain(std::unique_ptr<Channel>& slot) {
    if (slot->idle()) {
        keep_or_drop(slot);
        return;
    }
    take_spares();
    if (draining_.size() < kMostDrainingPerSlot * slots_.size())
        draining_.push_back(std::move(slot));
}

void ChannelPool::take_spares() {
    for (auto& channel : draining_) {
        if (channel->idle())
            keep_or_drop(channel);
    }
    std::erase(draining_, nullptr);
}

/// Empties it. A channel that something tells against is not used again.
void ChannelPool::keep_or_drop(std::unique_ptr<Channel>& channel) {
    auto taken = std::move(channel);
    if (taken->retired() || spares_.size() >= slots_.size())
        return;
    taken->renew();
    spares_.push_back(std::move(taken));
}

std::unique_ptr<Channel> ChannelPool::open() {
    if (!spares_.empty()) {
        auto channel = std::move(spares_.back());
        spares_.pop_back();
        channel->renew();
        return channel;
    }
    auto channel = std::make_unique<Channel>(sockets_, finished_, counters_);
    return channel->open(settings_) ? std::move(channel) : nullptr;
}

}  // namespace resolver

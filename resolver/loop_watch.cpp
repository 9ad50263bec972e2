#include "resolver/loop_watch.h"

#include <algorithm>
#include <string_view>

namespace resolver {
namespace {

using namespace std::chrono_literals;

// As CoreDNS probes: each second until it is answered, 30 s long.
constexpr auto kUnansweredPause = 1s;
constexpr std::uint32_t kQuickProbes = 30;
constexpr auto kLoopingPause = 30s;
constexpr auto kClearPause = 5min;  // what an upstream forwards to may change at any time
constexpr auto kLost = 10s;         // a probe whose worker is gone

}  // namespace

std::optional<std::vector<std::uint8_t>> LoopProbe::take_turn(RandomBits& random,
                                                              Clock::time_point now) {
    const SpinGuard guard(lock_);
    if (now < next_ || zone_.size() + kLabelLength + 1 > zones::kMaxNameLength) {
        return std::nullopt;
    }
    next_ = now + kLost;
    under_way_ = true;
    back_ = false;
    for (std::size_t i = 0; i < label_.size(); i += 4) {
        std::uint16_t bits = random.next();
        for (std::size_t digit = 0; digit < 4; ++digit, bits >>= 4) {
            label_[i + digit] = "0123456789abcdef"[bits & 0xf];
        }
    }
    std::vector<std::uint8_t> name{kLabelLength};
    name.insert(name.end(), label_.begin(), label_.end());
    name.insert(name.end(), zone_.wire().begin(), zone_.wire().end());
    return name;
}

bool LoopProbe::ended(bool replied, Clock::time_point now) {
    const SpinGuard guard(lock_);
    under_way_ = false;
    if (back_) {
        next_ = now + kLoopingPause;
        return false;
    }
    if (!replied) {
        ++unanswered_;
        next_ = now + (loops() || unanswered_ > kQuickProbes ? kLoopingPause : kUnansweredPause);
        return false;
    }
    unanswered_ = 0;
    next_ = now + kClearPause;
    return loops_.exchange(false, std::memory_order_relaxed);
}

bool LoopProbe::is(std::string_view label) const {
    const SpinGuard guard(lock_);
    return std::string_view(label_.data(), label_.size()) == label;
}

bool LoopProbe::came_back(Clock::time_point now) {
    const SpinGuard guard(lock_);
    back_ = true;
    if (!under_way_) {
        next_ = now + kLoopingPause;
    }
    return !loops_.exchange(true, std::memory_order_relaxed);
}

std::shared_ptr<LoopProbe> LoopWatch::watch(const Upstream& upstream, const zones::Name& zone) {
    const SpinGuard guard(lock_);
    std::erase_if(probes_, [](const auto& probe) { return probe.use_count() == 1; });
    const auto known = std::ranges::find_if(probes_, [&](const auto& probe) {
        return probe->upstream() == upstream && probe->zone() == zone;
    });
    if (known != probes_.end()) {
        return *known;
    }
    return probes_.emplace_back(std::make_shared<LoopProbe>(upstream, zone));
}

bool LoopWatch::saw(const zones::LoweredName& qname, Clock::time_point now) {
    if (qname.labels == 0) {
        return false;
    }
    std::shared_ptr<LoopProbe> probe;
    {
        const SpinGuard guard(lock_);
        const auto found = std::ranges::find_if(
            probes_, [&](const auto& candidate) { return candidate->is(qname.label(0)); });
        if (found == probes_.end()) {
            return false;
        }
        probe = *found;
    }
    if (probe->came_back(now) && told_) {
        told_(*probe, true);
    }
    return true;
}

void LoopWatch::ended(LoopProbe& probe, bool replied, Clock::time_point now) {
    if (probe.ended(replied, now) && told_) {
        told_(probe, false);
    }
}

std::vector<std::shared_ptr<const LoopProbe>> LoopWatch::probes() const {
    const std::lock_guard lock(lock_);
    return {probes_.begin(), probes_.end()};
}

}  // namespace resolver

// Whether an upstream sends our own questions back to us, directly or by way of others.
// Each upstream is asked for a name that nobody can guess; if that name is ever asked of us, the
// upstream loops. Knows names and upstreams; knows no sockets, and not who writes the log. Shared
// by all workers: every function may be called from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "resolver/forward.h"
#include "resolver/random_bits.h"
#include "resolver/spin_lock.h"
#include "zones/name.h"

namespace resolver {

/// Of a probe: a type that nobody asks for otherwise, as with CoreDNS.
inline constexpr std::uint16_t kTypeHinfo = 13;

/// One upstream under one zone.
class LoopProbe {
  public:
    using Clock = std::chrono::steady_clock;

    LoopProbe(Upstream upstream, zones::Name zone)
        : upstream_(std::move(upstream)), zone_(std::move(zone)) {}

    const Upstream& upstream() const { return upstream_; }
    const zones::Name& zone() const { return zone_; }
    bool loops() const { return loops_.load(std::memory_order_relaxed); }

    /// The name to ask the upstream for, in wire form, if it is time and the caller's turn: then it
    /// says ended() once. A caller that is gone is not waited for.
    std::optional<std::vector<std::uint8_t>> take_turn(RandomBits& random, Clock::time_point now);
    /// True if that shows that the upstream, which did loop, does so no more.
    bool ended(bool replied, Clock::time_point now);

    /// True if `label` is the last probe's.
    bool is(std::string_view label) const;
    /// The probe was asked of us. True if the upstream was not known to loop.
    bool came_back(Clock::time_point now);

  private:
    static constexpr std::size_t kLabelLength = 32;  // 128 bits, so that no one can forge a loop

    const Upstream upstream_;
    const zones::Name zone_;
    std::atomic<bool> loops_{false};
    mutable SpinLock lock_;  // for all below
    std::array<char, kLabelLength> label_{};
    bool under_way_ = false;
    bool back_ = false;  // the last probe has been asked of us
    std::uint32_t unanswered_ = 0;
    Clock::time_point next_{};  // then another one is due
};

class LoopWatch {
  public:
    using Clock = LoopProbe::Clock;
    /// Called when an upstream is found to loop, and when it does so no more; from any worker's
    /// thread.
    using Told = std::function<void(const LoopProbe& probe, bool loops)>;

    explicit LoopWatch(Told told) : told_(std::move(told)) {}

    /// The same object for all who ask for the same; probes that nobody holds are forgotten.
    std::shared_ptr<LoopProbe> watch(const Upstream& upstream, const zones::Name& zone);

    /// A HINFO question of a client. True if it is a probe of ours.
    bool saw(const zones::LoweredName& qname, Clock::time_point now);

    void ended(LoopProbe& probe, bool replied, Clock::time_point now);

    /// Those that somebody has asked for, or had.
    std::vector<std::shared_ptr<const LoopProbe>> probes() const;

  private:
    Told told_;
    mutable SpinLock lock_;  // for `probes_`
    std::vector<std::shared_ptr<LoopProbe>> probes_;
};

}  // namespace resolver

// Lines for an operator when clients reach limits that they should not: once when it begins, then
// every ten minutes while it goes on.
// Knows the counters of the workers; knows nothing of who reached what. Borrows both. One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "k8s_client/source.h"
#include "server/metrics.h"

namespace server {

class LimitNotices {
  public:
    using Clock = std::chrono::steady_clock;

    LimitNotices(Metrics& metrics, k8s_client::Journal& journal)
        : metrics_(metrics), journal_(journal) {}

    /// To be called often; looks once a second.
    void tick(Clock::time_point now);

  private:
    struct Told {
        std::uint64_t count = 0;     // that a line has told of
        Clock::time_point again_at;  // no line before
    };
    static constexpr std::size_t kLimits = 3;

    Metrics& metrics_;
    k8s_client::Journal& journal_;
    std::array<Told, kLimits> told_{};
    Clock::time_point next_look_{};
};

}  // namespace server

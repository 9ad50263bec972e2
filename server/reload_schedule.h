// When the Corefile is to be looked at again, and which one has been found wrong already.
// Knows the interval and jitter of `reload`; reads no file. On the main thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "server/config.h"

namespace server {

class ReloadSchedule {
  public:
    using Clock = std::chrono::steady_clock;

    explicit ReloadSchedule(std::uint64_t seed) : generator_(seed) {}

    /// After a load: the period is drawn anew. Without `reload` it is never due.
    void loaded(const std::optional<ReloadConfig>& reload, const std::string& hash,
                Clock::time_point now);

    /// True once per period.
    bool due(Clock::time_point now);

    /// Whether a Corefile of this hash is news: neither what runs nor what was refused last. What
    /// was refused is news again once the file has been what runs.
    bool is_news(const std::string& hash);
    /// `what` is the hash, or the text of what makes it unreadable.
    void refused(const std::string& what) { refused_ = what; }
    const std::string& last_refused() const { return refused_; }

  private:
    std::mt19937_64 generator_;
    std::chrono::nanoseconds period_{};  // 0: never
    Clock::time_point next_{};
    std::string running_;
    std::string refused_;
};

}  // namespace server

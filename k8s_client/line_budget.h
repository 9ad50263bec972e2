// Which lines of a kind that others can cause are written: the first ones of each minute.
// Knows no texts. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

namespace k8s_client {

class LineBudget {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kPerMinute = 20;

    /// Whether the line that would be written `now` may be.
    bool take(Clock::time_point now) {
        if (now >= next_minute_) {
            next_minute_ = now + std::chrono::minutes(1);
            taken_ = 0;
        }
        if (taken_ == kPerMinute) {
            ++left_out_;
            return false;
        }
        ++taken_;
        return true;
    }
    /// Lines that were not written since the last call.
    std::size_t left_out() { return std::exchange(left_out_, 0); }

  private:
    Clock::time_point next_minute_{};
    std::size_t taken_ = 0;
    std::size_t left_out_ = 0;
};

}  // namespace k8s_client

// How long to wait before trying again: longer each time, and never two clients in step.
// Knows no clock and does not wait itself. One thread at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace k8s_client {

class Backoff {
  public:
    using Duration = std::chrono::milliseconds;

    Backoff(Duration shortest, Duration longest)
        : shortest_(shortest),
          longest_(longest),
          limit_(2 * shortest),
          random_(std::random_device{}()) {}

    /// From `shortest` to `longest`; the upper half of a range that doubles with each call.
    Duration next() {
        std::uniform_int_distribution<Duration::rep> delay(limit_.count() / 2, limit_.count());
        limit_ = std::min(2 * limit_, longest_);
        return Duration(delay(random_));
    }
    void reset() { limit_ = 2 * shortest_; }

  private:
    Duration shortest_, longest_, limit_;
    std::minstd_rand random_;
};

}  // namespace k8s_client

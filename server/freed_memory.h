// Gives memory that was freed back to the kernel, once there is much of it.
// Knows glibc's allocator, which by itself returns only what lies behind all that is in use: after
// a spike (a large list, a cache that was full) the rest would stay with the process for good.
// Knows nothing of who used it. Belongs to the main thread; others allocate meanwhile.
#pragma once

#include <chrono>
#include <cstddef>

namespace server {

class FreedMemory {
  public:
    using Clock = std::chrono::steady_clock;

    /// To be called often; looks every few seconds. True if something was given back.
    bool tick(Clock::time_point now);

    /// Less is not worth the time, and will be used again.
    static constexpr std::size_t kLeast = std::size_t{4} << 20;
    static constexpr std::chrono::seconds kInterval{5};

  private:
    Clock::time_point next_{};
    std::size_t known_ = 0;  // free octets that were given back, and not used again since
};

}  // namespace server

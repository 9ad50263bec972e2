// Tells waiting threads that it is time to end.
// Knows nothing of what they do. Any thread may call anything; the waiting ones borrow it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace k8s_client {

class StopSignal {
  public:
    void raise() {
        {
            const std::lock_guard lock(mutex_);
            raised_.store(true, std::memory_order_relaxed);
        }
        changed_.notify_all();
    }
    bool raised() const { return raised_.load(std::memory_order_relaxed); }

    /// True if the signal came before `time` had passed.
    bool wait_for(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, time, [this] { return raised(); });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<bool> raised_{false};
};

}  // namespace k8s_client

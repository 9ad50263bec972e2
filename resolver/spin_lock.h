// A lock for a few hundred nanoseconds of work, that never puts a thread to sleep.
// Knows nothing of what it guards. Any thread may call; one holds it.
#pragma once

#include <atomic>
#include <sched.h>

namespace resolver {

class SpinLock {
  public:
    /// False if the holder does not let go soon, though it was offered this thread's CPU: it may
    /// have lost its own in the middle of its work.
    bool try_lock() {
        constexpr int kOffers = 32;
        for (int i = 0; i < kOffers; ++i) {
            if (spin()) {
                return true;
            }
            sched_yield();
        }
        return false;
    }

    void lock() {
        while (!try_lock()) {
        }
    }

    void unlock() { held_.clear(std::memory_order_release); }

  private:
    bool spin() {
        constexpr int kPatience = 200;
        for (int i = 0; i < kPatience; ++i) {
            if (!held_.test(std::memory_order_relaxed) &&
                !held_.test_and_set(std::memory_order_acquire)) {
                return true;
            }
        }
        return false;
    }

    std::atomic_flag held_ = ATOMIC_FLAG_INIT;
};

/// Holds the lock while it lives.
class SpinGuard {
  public:
    explicit SpinGuard(SpinLock& lock) : lock_(lock) { lock_.lock(); }
    ~SpinGuard() { lock_.unlock(); }
    SpinGuard(const SpinGuard&) = delete;
    SpinGuard& operator=(const SpinGuard&) = delete;

  private:
    SpinLock& lock_;
};

}  // namespace resolver

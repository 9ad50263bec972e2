// The signals that the process takes, in a thread that waits for them.
// Knows which are blocked for all threads; knows nothing of what they are to do. Made by main
// before there is any other thread.
#pragma once

#include <chrono>
#include <csignal>
#include <optional>
#include <pthread.h>

namespace server {

class Signals {
  public:
    /// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 in this thread and all that it makes; ignores
    /// SIGPIPE.
    Signals() {
        sigemptyset(&set_);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
            sigaddset(&set_, signal);
        }
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        (void)std::signal(SIGPIPE, SIG_IGN);
    }

    /// The next of them, or nothing within that time.
    std::optional<int> wait(std::chrono::milliseconds time) const {
        const timespec most{time.count() / 1000, time.count() % 1000 * 1'000'000};
        const int signal = sigtimedwait(&set_, nullptr, &most);
        return signal > 0 ? std::optional(signal) : std::nullopt;
    }

    static bool ends(const std::optional<int>& signal) {
        return signal == SIGTERM || signal == SIGINT;
    }

  private:
    sigset_t set_{};
};

}  // namespace server

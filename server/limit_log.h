// The lines that name clients which were limited: at once after a quiet minute, then a sum each
// minute, ten clients at most.
// Knows what workers have counted; knows no packets. All workers share it: a short lock each second
// at most, and none while nobody is limited. Borrows the sink.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "server/limited_clients.h"
#include "server/log_sink.h"

namespace server {

class LimitLog {
  public:
    using Clock = std::chrono::steady_clock;

    explicit LimitLog(LogSink& sink) : sink_(sink) {}
    /// Says what has not been said yet.
    ~LimitLog();
    LimitLog(const LimitLog&) = delete;
    LimitLog& operator=(const LimitLog&) = delete;

    /// Every 100 ms, or more often, by each worker: takes over what is in `counted`, and writes
    /// what is due.
    void tick(LimitedClients& counted, Clock::time_point now);

  private:
    void take(const LimitedClients& counted);
    void write();

    LogSink& sink_;
    std::atomic<Clock::time_point> next_due_{Clock::time_point::max()};
    std::mutex mutex_;
    Clock::time_point quiet_until_{};  // the last lines count until then
    std::vector<LimitedClient> clients_;
    std::uint64_t others_ = 0;
};

}  // namespace server

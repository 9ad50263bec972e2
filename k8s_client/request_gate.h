// The client's own limits on what it asks of the API server: apiserver_qps, apiserver_burst and
// apiserver_max_inflight.
// Knows no requests. Shared by all threads of a source.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "k8s_client/api_observer.h"
#include "k8s_client/stop_signal.h"

namespace k8s_client {

struct RequestLimits {
    double per_second = 5;  // as client-go's defaults
    unsigned burst = 10;
    unsigned max_in_flight = 0;  // of requests that are not watches; 0: no limit
};

class RequestGate {
  public:
    /// `observer`, if there is one, is told how long each request waits.
    explicit RequestGate(RequestLimits limits, ApiObserver* observer = nullptr);

    /// Holds a place among the requests in flight.
    class Pass {
      public:
        explicit Pass(RequestGate* gate) : gate_(gate) {}
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        ~Pass();

      private:
        RequestGate* gate_;
    };

    enum class Kind { Watch, Other };
    /// Waits until a request may be sent, or until `stop`: then what is sent is stopped anyway.
    Pass enter(Kind kind, StopSignal& stop);

  private:
    using Clock = std::chrono::steady_clock;
    void take_token(StopSignal& stop);
    void take_place(StopSignal& stop);

    RequestLimits limits_;
    ApiObserver* observer_;
    std::mutex mutex_;
    std::condition_variable left_;
    double tokens_;
    Clock::time_point filled_at_;
    unsigned in_flight_ = 0;
};

}  // namespace k8s_client

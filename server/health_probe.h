// Asks the process's own /health once a second, as a kubelet would, and measures how long it takes.
// Knows one request and the metrics of plugin/health; runs on a thread of its own, so that a
// responder that hangs is noticed. Made and destroyed by the owner's thread.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

#include "k8s_client/source.h"
#include "server/config.h"
#include "server/rare_metrics.h"
#include "server/sockets.h"

namespace server {

struct HealthProbeTimes {
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds slow{1000};  // worth a warning
    std::chrono::milliseconds limit{3000};
};

class HealthProbe {
  public:
    /// `targets` are bound addresses; a wildcard is asked through loopback. `metrics` and `journal`
    /// outlive the probe. Throws std::system_error.
    HealthProbe(const std::vector<Listen>& targets, RareMetrics& metrics,
                k8s_client::Journal& journal, HealthProbeTimes times = {});
    ~HealthProbe();
    HealthProbe(const HealthProbe&) = delete;
    HealthProbe& operator=(const HealthProbe&) = delete;

  private:
    using Clock = std::chrono::steady_clock;

    enum class Waited { Ready, TimedOut, Stopped };

    void run();
    bool ask(const Listen& target);
    Waited wait(Clock::time_point until, int fd = -1, short events = 0) const;
    tl::expected<void, std::string> request(const Listen& target, Clock::time_point until) const;

    const std::vector<Listen> targets_;
    RareMetrics& metrics_;
    k8s_client::Journal& journal_;
    const HealthProbeTimes times_;
    Fd stop_event_;
    std::thread thread_;
};

}  // namespace server

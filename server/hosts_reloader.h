// The thread that looks after the files of all `hosts` plugins.
// Knows when each is to be looked at; what that means is the plugin's. Owns its thread, which ends
// with the object; borrows the plugins and the log.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/hosts.h"
#include "server/operator_log.h"

namespace server {

class HostsReloader {
  public:
    /// Without a file that may change there is no thread.
    HostsReloader(const std::vector<std::unique_ptr<Hosts>>& hosts, OperatorLog& log);
    ~HostsReloader();
    HostsReloader(const HostsReloader&) = delete;
    HostsReloader& operator=(const HostsReloader&) = delete;

  private:
    using Clock = std::chrono::steady_clock;
    struct Due {
        Hosts* hosts;
        Clock::time_point at;
    };

    void run();
    void reload(Clock::time_point now);

    std::vector<Due> due_;  // the thread's
    OperatorLog& log_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;  // under the mutex
    std::thread thread_;
};

}  // namespace server

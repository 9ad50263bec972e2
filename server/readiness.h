// What /ready says: which plugins have not said yet that they are ready.
// Knows plugins by name and a question to each; knows no HTTP listener. Any thread may call.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "k8s_client/source.h"
#include "server/http_reply.h"

namespace server {

/// A plugin that can say whether it is ready. The question is asked on the responder's thread, and
/// must not wait.
struct ReadyCheck {
    std::string plugin;
    std::function<bool()> ready;
};

class Readiness {
  public:
    /// `journal` outlives it.
    explicit Readiness(k8s_client::Journal& journal) : journal_(journal) {}

    /// What is asked from now on; when it returns, no check of before is, or will be. Unless
    /// `continuously`, a plugin that was ready is not asked again, and once all were ready the
    /// process stays so, whatever a reload brings: it goes on serving.
    void watch(std::vector<ReadyCheck> checks, bool continuously);

    /// The process is about to end: never ready again.
    void stop() { stopped_.store(true, std::memory_order_relaxed); }

    /// 200 "OK", or 503 and the names of those that are not ready, sorted, with commas.
    HttpReply reply();

  private:
    std::string not_ready();

    k8s_client::Journal& journal_;
    std::atomic<bool> stopped_{false};
    std::mutex mutex_;  // guards what follows; held while checks are asked
    std::vector<ReadyCheck> checks_;
    bool continuously_ = false;
    bool was_ready_ = false;
    std::string told_;  // what the log has said last
};

}  // namespace server

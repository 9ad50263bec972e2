// The plugins health, ready and prometheus as the Corefile has them, on one responder.
// Knows which address says what, and what of it changes with a reload; knows neither how metrics
// are made (a handler says) nor how HTTP is spoken. main owns it: made before the workers and
// destroyed after them, all members called on main's thread. Owns responder, readiness and probe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "k8s_client/source.h"
#include "server/config.h"
#include "server/health_probe.h"
#include "server/http_responder.h"
#include "server/readiness.h"
#include "server/routing.h"

namespace server {

class Admin {
  public:
    /// `stuck` says whether a worker's loop hangs: then /health is 503. It is asked on the
    /// responder's thread. `metrics` and `journal` outlive this.
    Admin(std::function<bool()> stuck, RareMetrics& metrics, k8s_client::Journal& journal);

    /// What a configuration asks for, with its new sockets open. To be committed, or dropped.
    struct Prepared {
        HttpListeners listeners;
        bool continuously = false;
    };

    /// Opens what `config` asks for and what is neither open nor in `inherited`. `metrics` makes
    /// the text of /metrics. Throws ConfigError; until commit() nothing has changed.
    Prepared prepare(const Config& config, const HttpHandler& metrics,
                     std::vector<InheritedHttpListener> inherited = {}) const;

    /// Puts it in place of what was. `checks`: as of ready_checks(). When it returns, nothing that
    /// `metrics` and the checks of before refer to is used any more.
    void commit(Prepared prepared, std::vector<ReadyCheck> checks);

    /// The process is about to end: /ready is 503 from now on, /health stays.
    void stop_being_ready() { readiness_->stop(); }

    /// What listens, to be announced (described()) and handed on.
    const HttpListeners& listeners() const { return responder_.listeners(); }

  private:
    std::function<bool()> stuck_;
    RareMetrics& metrics_;
    k8s_client::Journal& journal_;
    std::unique_ptr<Readiness> readiness_;
    HttpResponder responder_;
    std::vector<Listen> probed_;
    std::unique_ptr<HealthProbe> probe_;  // null without `health`
};

/// The clusters of blocks with `ready`, under the name of their plugin. They borrow from `routing`.
std::vector<ReadyCheck> ready_checks(const Routing& routing);

/// For how long SIGTERM leaves the server as it is: the longest lameduck of all blocks.
std::chrono::nanoseconds lameduck_of(const Config& config);

}  // namespace server

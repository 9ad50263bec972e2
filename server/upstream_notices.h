// The lines about upstreams that an operator reads: down, up again, looping, and no more.
// Knows the log; knows nothing of probes. Workers find out each for themselves: what one of them
// has said already is not said again. Any thread may call.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "resolver/loop_watch.h"
#include "server/operator_log.h"

namespace server {

class UpstreamNotices {
  public:
    explicit UpstreamNotices(OperatorLog& log) : log_(log) {}

    void down(const resolver::Upstream& upstream, bool is_down);
    void loop(const resolver::LoopProbe& probe, bool loops);

  private:
    OperatorLog& log_;
    std::mutex mutex_;
    std::set<std::string> down_;
};

}  // namespace server

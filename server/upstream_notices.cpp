#include "server/upstream_notices.h"

#include "server/forward_text.h"

namespace server {
namespace {

using Level = k8s_client::Journal::Level;

}  // namespace

void UpstreamNotices::down(const resolver::Upstream& upstream, bool is_down) {
    const std::string text = upstream_text(upstream);
    {
        const std::lock_guard lock(mutex_);
        const bool news = is_down ? down_.insert(text).second : down_.erase(text) > 0;
        if (!news) {
            return;
        }
    }
    if (is_down) {
        log_.write(Level::Warning,
                   "plugin/forward: upstream " + text +
                       " is down: its health checks fail, and it is asked only if all are");
    } else {
        log_.write(Level::Info, "plugin/forward: upstream " + text + " answers again");
    }
}

void UpstreamNotices::loop(const resolver::LoopProbe& probe, bool loops) {
    const std::string where =
        "(" + upstream_text(probe.upstream()) + ") for zone \"" + probe.zone().to_string() + "\"";
    if (loops) {
        log_.write(Level::Error,
                   "plugin/loop: Loop " + where +
                       ": this upstream sends our questions back to us and is not asked until that "
                       "ends, see https://coredns.io/plugins/loop#troubleshooting");
    } else {
        log_.write(Level::Info,
                   "plugin/loop: upstream " + where + " loops no more and is asked again");
    }
}

}  // namespace server

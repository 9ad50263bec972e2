#include "server/readiness.h"

#include <algorithm>
#include <set>
#include <utility>

namespace server {

void Readiness::watch(std::vector<ReadyCheck> checks, bool continuously) {
    const std::lock_guard lock(mutex_);
    checks_ = std::move(checks);
    continuously_ = continuously;
    if (was_ready_ && !continuously_) {
        checks_.clear();
    }
}

HttpReply Readiness::reply() {
    if (stopped_.load(std::memory_order_relaxed)) {
        return {.status = 503, .body = "Shutting down"};
    }
    std::string names = not_ready();
    if (names.empty()) {
        return {.status = 200, .body = "OK"};
    }
    return {.status = 503, .body = std::move(names)};
}

std::string Readiness::not_ready() {
    const std::lock_guard lock(mutex_);
    std::set<std::string> names;
    std::erase_if(checks_, [&](const ReadyCheck& check) {
        const bool ready = check.ready();
        if (!ready) {
            names.insert(check.plugin);
        }
        return ready && !continuously_;
    });
    was_ready_ = was_ready_ || names.empty();
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ",") + name;
    }
    if (text != told_ && !text.empty()) {  // not at each probe
        journal_.write(k8s_client::Journal::Level::Info,
                       "plugin/ready: Plugins not ready: \"" + text + "\"");
    }
    told_ = text;
    return text;
}

}  // namespace server

#include "server/hosts_reloader.h"

#include <algorithm>

namespace server {

HostsReloader::HostsReloader(const std::vector<std::unique_ptr<Hosts>>& hosts, OperatorLog& log)
    : log_(log) {
    const auto now = Clock::now();
    for (const auto& plugin : hosts) {
        if (plugin->reload_interval().count() > 0) {
            due_.push_back({plugin.get(), now + plugin->reload_interval()});
        }
    }
    if (!due_.empty()) {
        thread_ = std::thread([this] { run(); });
    }
}

HostsReloader::~HostsReloader() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void HostsReloader::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto next = std::min_element(due_.begin(), due_.end(),
                                           [](const Due& a, const Due& b) { return a.at < b.at; });
        wake_.wait_until(lock, next->at, [this] { return stopping_; });
        lock.unlock();
        reload(Clock::now());
        lock.lock();
    }
}

void HostsReloader::reload(Clock::time_point now) {
    for (Due& due : due_) {
        if (due.at > now) {
            continue;
        }
        due.at = now + due.hosts->reload_interval();
        if (const std::string text = due.hosts->reload(); !text.empty()) {
            log_.write(k8s_client::Journal::Level::Warning, "plugin/hosts: " + text);
        }
    }
}

}  // namespace server

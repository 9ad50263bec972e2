#include "server/reload_schedule.h"

namespace server {

void ReloadSchedule::loaded(const std::optional<ReloadConfig>& reload, const std::string& hash,
                            Clock::time_point now) {
    running_ = hash;
    refused_.clear();
    period_ = {};
    if (!reload) {
        return;
    }
    // Servers that got a new Corefile together don't all load it at one moment.
    const auto half = reload->jitter.count() / 2;
    std::uniform_int_distribution<std::int64_t> spread(-half, half);
    period_ = reload->interval + std::chrono::nanoseconds(spread(generator_));
    next_ = now + period_;
}

bool ReloadSchedule::due(Clock::time_point now) {
    if (period_.count() == 0 || now < next_) {
        return false;
    }
    next_ = now + period_;
    return true;
}

bool ReloadSchedule::is_news(const std::string& hash) {
    if (hash == running_) {
        refused_.clear();
    }
    return hash != running_ && hash != refused_;
}

}  // namespace server

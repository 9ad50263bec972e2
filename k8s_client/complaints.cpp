#include "k8s_client/complaints.h"

namespace k8s_client {

void Complaints::raise(std::string_view who, Journal::Level level, const std::string& text) {
    constexpr std::chrono::minutes kRepeat{10};
    constexpr std::size_t kMaxTexts = 64;  // texts may hold what the server says
    {
        const std::lock_guard lock(mutex_);
        open_.insert_or_assign(std::string(who), text);
        const auto now = Clock::now();
        const auto told = told_.find(text);
        if (told != told_.end() && now - told->second < kRepeat) {
            return;
        }
        if (told_.size() >= kMaxTexts) {
            told_.clear();
        }
        told_.insert_or_assign(text, now);
    }
    journal_.write(level, text);
}

void Complaints::settle(std::string_view who) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = open_.find(who);
        if (at == open_.end()) {
            return;
        }
        open_.erase(at);
        if (!open_.empty()) {
            return;
        }
        told_.clear();
    }
    journal_.write(Journal::Level::Info, "the API server answers again");
}

}  // namespace k8s_client

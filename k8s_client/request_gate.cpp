#include "k8s_client/request_gate.h"

#include <algorithm>

namespace k8s_client {

RequestGate::RequestGate(RequestLimits limits, ApiObserver* observer)
    : limits_(limits), observer_(observer), tokens_(limits.burst), filled_at_(Clock::now()) {}

RequestGate::Pass::~Pass() {
    if (gate_ == nullptr) {
        return;
    }
    {
        const std::lock_guard lock(gate_->mutex_);
        --gate_->in_flight_;
    }
    gate_->left_.notify_one();
}

RequestGate::Pass RequestGate::enter(Kind kind, StopSignal& stop) {
    const auto begun = Clock::now();
    take_token(stop);
    const bool holds_place = kind != Kind::Watch;  // that stays open, and would keep all others out
    if (holds_place) {
        take_place(stop);
    }
    if (observer_ != nullptr) {
        observer_->held_back(Clock::now() - begun);
    }
    return Pass(holds_place ? this : nullptr);
}

/// Tokens may be owed: whoever finds none left takes one that is still to come, and waits for it.
void RequestGate::take_token(StopSignal& stop) {
    double owed = 0;
    {
        const std::lock_guard lock(mutex_);
        const auto now = Clock::now();
        const std::chrono::duration<double> passed = now - filled_at_;
        filled_at_ = now;
        tokens_ = std::min(tokens_ + passed.count() * limits_.per_second,
                           static_cast<double>(limits_.burst));
        tokens_ -= 1;
        owed = -tokens_;
    }
    if (owed > 0) {
        const std::chrono::duration<double> wait(owed / limits_.per_second);
        stop.wait_for(std::chrono::ceil<std::chrono::milliseconds>(wait));
    }
}

void RequestGate::take_place(StopSignal& stop) {
    constexpr std::chrono::milliseconds kLook{100};  // how late a stop may be noticed
    std::unique_lock lock(mutex_);
    while (limits_.max_in_flight != 0 && in_flight_ >= limits_.max_in_flight && !stop.raised()) {
        left_.wait_for(lock, kLook);
    }
    ++in_flight_;
}

}  // namespace k8s_client

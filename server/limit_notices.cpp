#include "server/limit_notices.h"

#include <string>

namespace server {
namespace {

using namespace std::chrono_literals;
constexpr auto kLookAtLimitsEvery = 1s;
constexpr auto kRepeat = 10min;

struct NoticedLimit {
    Count WorkerCells::*count;
    const char* text;  // after a number
};

constexpr NoticedLimit kNoticedLimits[] = {
    {&WorkerCells::tcp_refused,
     "TCP connections were closed at once: their client, or all clients, had as many as there may "
     "be (keryx_tcp_refused_total)"},
    {&WorkerCells::rejected_forwards,
     "queries were refused: too many wait for upstreams "
     "(coredns_forward_max_concurrent_rejects_total)"},
    {&WorkerCells::overflows,
     "datagrams were lost: queries come faster than they can be answered "
     "(keryx_udp_overflows_total)"},
};

std::uint64_t total(Metrics& metrics, Count WorkerCells::*count) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < metrics.workers(); ++i) {
        sum += (metrics.worker(i).*count).get();
    }
    return sum;
}

}  // namespace

void LimitNotices::tick(Clock::time_point now) {
    static_assert(std::size(kNoticedLimits) == kLimits);
    if (now < next_look_) {
        return;
    }
    next_look_ = now + kLookAtLimitsEvery;
    for (std::size_t i = 0; i < kLimits; ++i) {
        Told& told = told_[i];
        const std::uint64_t count = total(metrics_, kNoticedLimits[i].count);
        if (count > told.count && now >= told.again_at) {
            journal_.write(k8s_client::Journal::Level::Warning,
                           std::to_string(count - told.count) + " " + kNoticedLimits[i].text);
            told = {count, now + kRepeat};
        }
    }
}

}  // namespace server

#include "resolver/loop_prober.h"

namespace resolver {
namespace {

constexpr std::chrono::milliseconds kLoopTimeout{2000};  // coredns/plugin/loop

ChannelSettings for_loop_probes(ChannelSettings settings) {
    settings.timeout = kLoopTimeout;
    return settings;
}

}  // namespace

LoopProber::LoopProber(SocketTable& sockets, UpstreamCounters& counters, LoopWatch* watch,
                       std::shared_ptr<LoopProbe> probe, const ChannelSettings& settings)
    : watch_(watch),
      probe_(std::move(probe)),
      channels_(sockets, finished_, counters, for_loop_probes(settings), 1) {}

void LoopProber::tick(RandomBits& random, Clock::time_point now) {
    if (probe_ == nullptr) {
        return;
    }
    channels_.tick(now);
    handle_finished();
    if (in_flight_) {
        return;
    }
    const auto qname = probe_->take_turn(random, now);
    if (!qname) {
        return;
    }
    query_.emplace(Question{.qname = *qname, .qtype = kTypeHinfo});
    in_flight_ = true;
    if (auto* channel = channels_.pick(random, now)) {
        channel->send(*query_, random.next(), false, exchange_);
    } else {
        exchange_.outcome = Outcome::Failed;
        finished_.push_back(&exchange_);
    }
    handle_finished();
}

void LoopProber::handle_finished() {
    if (finished_.empty()) {
        return;
    }
    finished_.clear();
    in_flight_ = false;
    if (exchange_.channel != nullptr) {
        if (exchange_.outcome != Outcome::Reply) {
            exchange_.channel->retire();
        }
        exchange_.channel->settle(exchange_);
    }
    watch_->ended(*probe_, exchange_.outcome == Outcome::Reply, Clock::now());
}

}  // namespace resolver

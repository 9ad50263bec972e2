#include "resolver/health.h"

#include <limits>

namespace resolver {

namespace {

constexpr std::chrono::milliseconds kHealthTimeout{1000};
constexpr std::uint16_t kTypeNs = 2;

ChannelSettings for_health_checks(ChannelSettings settings) {
    settings.timeout = kHealthTimeout;
    return settings;
}

}  // namespace

Health::Health(SocketTable& sockets, UpstreamCounters& counters, const HealthOptions& options,
               ChannelSettings settings)
    : counters_(counters),
      options_(options),
      query_({.qname = options.domain,
              .qtype = kTypeNs,
              .recursion_desired = options.recursion_desired}),
      channels_(sockets, finished_, counters, for_health_checks(settings), 1) {}

void Health::suspect(RandomBits& random, Clock::time_point now) {
    if (probing_ || options_.max_fails == 0)
        return;
    probing_ = true;
    send(random, now);
    handle_finished();
}

void Health::tick(RandomBits& random, Clock::time_point now) {
    channels_.tick(now);
    handle_finished();
    if (probing_ && !in_flight_ && now >= next_)
        send(random, now);
    handle_finished();
}

void Health::send(RandomBits& random, Clock::time_point now) {
    next_ = now + options_.interval;
    in_flight_ = true;
    if (auto* channel = channels_.pick(random, now)) {
        channel->send(query_, random.next(), false, probe_);
        return;
    }
    probe_.outcome = Outcome::Failed;
    finished_.push_back(&probe_);
}

void Health::handle_finished() {
    if (finished_.empty())
        return;
    finished_.clear();
    in_flight_ = false;
    if (probe_.channel != nullptr) {
        if (probe_.outcome != Outcome::Reply)
            probe_.channel->retire();
        probe_.channel->settle(probe_);
    }
    if (probe_.outcome == Outcome::Abandoned)
        return;  // says nothing about the upstream; the next one is due soon
    // Any reply will do, whatever its rcode; our own query coming back is none.
    constexpr std::size_t kFlags = 2;
    const bool alive = probe_.outcome == Outcome::Reply && probe_.reply.size() > kFlags &&
                       (probe_.reply[kFlags] & 0x80) != 0;
    if (alive) {
        failed_ = 0;
        probing_ = false;
        return;
    }
    ++counters_.probes_failed;
    if (failed_ < std::numeric_limits<std::uint32_t>::max())
        ++failed_;
}

}  // namespace resolver

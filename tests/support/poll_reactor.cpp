#include "tests/support/poll_reactor.h"

#include <poll.h>

namespace support {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

void PollReactor::watch(int fd, bool readable, bool writable) {
    if (readable || writable)
        events_[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    else
        events_.erase(fd);
}

bool PollReactor::run_until(resolver::Forwarder& forwarder, const std::function<bool()>& condition,
                            milliseconds limit) {
    const auto deadline = Clock::now() + limit;
    auto next_tick = Clock::now();
    while (!condition()) {
        const auto now = Clock::now();
        if (now >= deadline)
            return false;
        if (now >= next_tick) {
            forwarder.tick();
            next_tick = now + milliseconds(100);
            continue;
        }
        poll_once(forwarder);
    }
    return true;
}

void PollReactor::poll_once(resolver::Forwarder& forwarder) {
    forwarder.flush();
    std::vector<pollfd> polled;
    for (const auto& [fd, events] : events_)
        polled.push_back({fd, events, 0});
    const auto ours = polled.size();
    for (const auto* upstream : upstreams_)
        upstream->add_to(polled);
    ::poll(polled.data(), polled.size(), 10);
    for (std::size_t i = 0; i < ours; ++i) {
        const auto [fd, events, ready] = polled[i];
        if (ready != 0 && events_.contains(fd))
            forwarder.process(fd, (ready & ~POLLOUT) != 0, (ready & POLLOUT) != 0);
    }
    for (auto* upstream : upstreams_)
        upstream->work();
}

}  // namespace support

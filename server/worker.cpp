#include "server/worker.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <sys/eventfd.h>

namespace server {
namespace {

using namespace std::chrono_literals;
constexpr auto kTick = 100ms;
// Where much waits for upstreams, what is given up comes in slices: no cluster name waits for all.
constexpr auto kBusyTick = 10ms;
constexpr std::size_t kManyWaiting = 500;
constexpr auto kLongestWait = 5s;    // of a query for its upstream
constexpr int kBatchesPerEvent = 4;  // then the other sockets get their turn

}  // namespace

Worker::Worker(const Routing& routing)
    : stop_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      batch_(std::make_unique<UdpBatch>()),
      pipeline_(routing, *this, *this),
      tcp_(poll_, pipeline_) {
    if (!stop_event_ || !poll_.add(stop_event_.get(), EPOLLIN, {EventTag::Kind::Stop})) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    open_sockets(routing);
}

Worker::~Worker() {
    pipeline_.stop();  // while connections and sockets can still take the last replies
    flush();
}

void Worker::open_sockets(const Routing& routing) {
    for (const Route& route : routing.routes) {
        const auto index = static_cast<std::uint32_t>(udp_.size());
        udp_.emplace_back(open_udp(route.listen), route, index);
        listeners_.push_back({open_tcp(route.listen), &route});
        if (!poll_.add(udp_.back().fd(), EPOLLIN, {EventTag::Kind::Udp, index}) ||
            !poll_.add(listeners_.back().fd.get(), EPOLLIN, {EventTag::Kind::TcpListener, index})) {
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
        }
    }
}

void Worker::stop() {
    const std::uint64_t one = 1;
    (void)!::write(stop_event_.get(), &one, sizeof one);
}

void Worker::run() {
    using Clock = Pipeline::Clock;
    std::array<epoll_event, 64> events;
    Clock::time_point next_tick = Clock::now() + kTick;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Clock::now());
        const int count = epoll_wait(poll_.fd(), events.data(), static_cast<int>(events.size()),
                                     static_cast<int>(std::max(left, 0ms).count()));
        const Clock::time_point now = Clock::now();
        pipeline_.begin_batch(now);
        for (int i = 0; i < count; ++i) {
            dispatch(events[static_cast<std::size_t>(i)], now);
        }
        pipeline_.end_batch();
        if (now >= next_tick) {
            tick(now);
            next_tick = now + (pipeline_.waiting() > kManyWaiting ? kBusyTick : kTick);
        }
        flush();
        if (stopping_ && (pipeline_.waiting() == 0 || now >= stop_by_)) {
            return;
        }
    }
}

void Worker::flush() {
    for (UdpSocket& socket : udp_) {
        socket.flush();
    }
}

void Worker::dispatch(const epoll_event& event, Pipeline::Clock::time_point now) {
    const EventTag tag = EventPoll::tag_of(event);
    switch (tag.kind) {
        case EventTag::Kind::Udp:
            if (stopping_) {
                break;
            }
            for (int i = 0; i < kBatchesPerEvent && udp_[tag.index].serve(*batch_, pipeline_);
                 ++i) {
            }
            break;
        case EventTag::Kind::TcpListener:
            accept(tag.index, now);
            break;
        case EventTag::Kind::TcpConnection:
            tcp_.handle_event(tag, event.events, now);
            break;
        case EventTag::Kind::Upstream:
            pipeline_.process_upstream(static_cast<int>(tag.index),
                                       (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0,
                                       (event.events & (EPOLLOUT | EPOLLERR)) != 0);
            break;
        case EventTag::Kind::Stop:
            stop_listening(now);
            break;
    }
}

void Worker::stop_listening(Pipeline::Clock::time_point now) {
    stopping_ = true;
    stop_by_ = now + kLongestWait;
    poll_.remove(stop_event_.get());
    for (const UdpSocket& socket : udp_) {
        poll_.remove(socket.fd());
    }
    for (const Listener& listener : listeners_) {
        poll_.remove(listener.fd.get());
    }
    listeners_.clear();
}

void Worker::accept(std::uint32_t index, Pipeline::Clock::time_point now) {
    if (stopping_) {
        return;
    }
    Listener& listener = listeners_[index];
    if (!tcp_.accept_from(listener.fd.get(), *listener.route, now)) {
        listener.paused = true;
        poll_.modify(listener.fd.get(), 0, {EventTag::Kind::TcpListener, index});
    }
}

void Worker::tick(Pipeline::Clock::time_point now) {
    tcp_.tick(now);
    pipeline_.tick(now);
    for (std::uint32_t i = 0; i < listeners_.size(); ++i) {
        if (listeners_[i].paused) {
            listeners_[i].paused = false;
            poll_.modify(listeners_[i].fd.get(), EPOLLIN, {EventTag::Kind::TcpListener, i});
        }
    }
}

void Worker::watch(int fd, bool readable, bool writable) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= upstream_watched_.size()) {
        upstream_watched_.resize(index + 1, false);
    }
    if (!readable && !writable) {
        if (upstream_watched_[index]) {
            poll_.remove(fd);
        }
        upstream_watched_[index] = false;
        return;
    }
    const std::uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    const EventTag tag{EventTag::Kind::Upstream, static_cast<std::uint32_t>(fd)};
    if (upstream_watched_[index]) {
        poll_.modify(fd, events, tag);
    } else {
        upstream_watched_[index] = poll_.add(fd, events, tag);
    }
}

void Worker::send(const Client& client, const std::uint8_t* reply, std::size_t size) {
    if (client.tcp) {
        tcp_.send(client, reply, size);
    } else {
        udp_[client.index].send(client, reply, size);
    }
}

}  // namespace server

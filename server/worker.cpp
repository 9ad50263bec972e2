#include "server/worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <sys/eventfd.h>

namespace server {
namespace {

using namespace std::chrono_literals;
constexpr auto kWorkerTick = 100ms;
// Where much waits for upstreams, what is given up comes in slices: no cluster name waits for all.
constexpr auto kBusyTick = 10ms;
constexpr std::size_t kManyWaiting = 500;
constexpr auto kLongestWait = 5s;       // of a query for its upstream
constexpr auto kLongestHandOver = 15s;  // longer than a connection may be idle
constexpr int kBatchesPerEvent = 4;     // then the other sockets get their turn
/// A thousand queries and no end. If the queue is long as well, they come faster than they are
/// answered; else they are those of clients that ask again at once, who wait no longer for it.
constexpr unsigned kTooManyRounds = 4;
constexpr int kBatchesAtEnd = 256;  // of a socket that is closed: more than its buffer holds

/// Where TCP to `listen` is served: there, or on all addresses. Null: nowhere any more.
const Route* find_serving(const Routing& routing, const Listen& listen) {
    if (const Route* same = routing.find_route(listen)) {
        return same;
    }
    const bool v6 = listen.address.find(':') != std::string::npos;
    return routing.find_route({v6 ? "::" : "0.0.0.0", listen.port});
}

}  // namespace

struct Worker::Served {
    Served(std::shared_ptr<const Routing> its, Worker& worker)
        : routing(std::move(its)), pipeline(*routing, worker, worker, worker.index_) {}

    std::shared_ptr<const Routing> routing;
    Pipeline pipeline;
    Clock::time_point end_by{};
};

Worker::Worker(std::shared_ptr<const Routing> routing, std::vector<ListenSockets> sockets,
               std::size_t index, Heartbeats* heartbeats)
    : index_(index),
      heartbeats_(heartbeats),
      wake_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      batch_(std::make_unique<UdpBatch>(routing->udp_reply_size)),
      served_(std::make_unique<Served>(std::move(routing), *this)),
      tcp_(poll_, served_->pipeline) {
    if (!wake_event_ || !poll_.add(wake_event_.get(), EPOLLIN, {EventTag::Kind::Wake})) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    for (ListenSockets& one : sockets) {
        add_address(std::move(one));
    }
}

Worker::~Worker() {
    // While connections and sockets can still take the last replies.
    for (const auto& former : former_) {
        former->pipeline.stop();
    }
    served_->pipeline.stop();
    flush(Clock::now());
}

void Worker::add_address(ListenSockets sockets) {
    const auto index = static_cast<std::uint32_t>(addresses_.size());
    const bool wildcard = is_wildcard(sockets.listen);
    auto address = std::make_unique<Address>(
        Address{sockets.listen, served_->routing->find_route(sockets.listen),
                UdpSocket(std::move(sockets.udp), wildcard, index), std::move(sockets.tcp)});
    if (address->route != nullptr &&
        (!poll_.add(address->udp.fd(), EPOLLIN, {EventTag::Kind::Udp, index}) ||
         !poll_.add(address->tcp.get(), EPOLLIN, {EventTag::Kind::TcpListener, index}))) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    addresses_.push_back(std::move(address));
}

void Worker::stop(Stop how) {
    {
        const std::lock_guard lock(mutex_);
        stop_ = how;
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_event_.get(), &one, sizeof one);
}

void Worker::adopt(std::shared_ptr<const Routing> routing, std::vector<ListenSockets> opened) {
    {
        const std::lock_guard lock(mutex_);
        if (adoption_) {  // not yet begun: what was opened for it is still needed
            std::ranges::move(adoption_->opened, std::back_inserter(opened));
        }
        adoption_ = Adoption{std::move(routing), std::move(opened)};
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_event_.get(), &one, sizeof one);
}

void Worker::run() {
    std::array<epoll_event, 64> events;
    Clock::time_point next_tick = Clock::now() + kWorkerTick;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Clock::now());
        // Who stops leaves at the first moment when nothing is there to be read.
        const bool may_leave = stopping_ && is_idle();
        const int count = epoll_wait(poll_.fd(), events.data(), static_cast<int>(events.size()),
                                     may_leave ? 0 : static_cast<int>(std::max(left, 0ms).count()));
        const Clock::time_point now = Clock::now();
        begin_round(now);
        for (int i = 0; i < count; ++i) {
            dispatch(events[static_cast<std::size_t>(i)], now);
        }
        end_round();
        if (now >= next_tick) {
            tick(now);
            next_tick = now + (waiting() > kManyWaiting ? kBusyTick : kWorkerTick);
        }
        flush(now);
        if (is_done(count, now)) {
            break;
        }
    }
    if (heartbeats_ != nullptr) {
        heartbeats_->rest(index_);
    }
}

void Worker::begin_round(Clock::time_point now) {
    served_->pipeline.begin_batch(now);
    for (const auto& former : former_) {
        former->pipeline.begin_batch(now);
    }
}

void Worker::end_round() {
    served_->pipeline.end_batch();
    for (const auto& former : former_) {
        former->pipeline.end_batch();
    }
}

void Worker::flush(Clock::time_point now) {
    while (tcp_.has_late()) {  // who has a reply may ask the next question, which leaves now
        tcp_.send_late(now);
        end_round();
    }
    for (const auto& address : addresses_) {
        if (address != nullptr) {
            address->udp.flush();
        }
    }
}

std::size_t Worker::waiting() const {
    std::size_t count = served_->pipeline.waiting();
    for (const auto& former : former_) {
        count += former->pipeline.waiting();
    }
    return count;
}

void Worker::dispatch(const epoll_event& event, Clock::time_point now) {
    const EventTag tag = EventPoll::tag_of(event);
    const auto process = [&](const std::unique_ptr<Served>& served) {
        return served->pipeline.process_upstream(
            static_cast<int>(tag.index), (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0,
            (event.events & (EPOLLOUT | EPOLLERR)) != 0);
    };
    switch (tag.kind) {
        case EventTag::Kind::Udp:
            if (addresses_[tag.index] != nullptr) {  // else closed since epoll_wait() returned
                serve_udp(*addresses_[tag.index]);
            }
            break;
        case EventTag::Kind::TcpListener:
            if (addresses_[tag.index] != nullptr) {
                accept(tag.index, now);
            }
            break;
        case EventTag::Kind::TcpConnection:
            tcp_.handle_event(tag, event.events, now);
            break;
        case EventTag::Kind::Upstream:
            if (!process(served_)) {
                (void)std::ranges::any_of(former_, process);
            }
            break;
        case EventTag::Kind::Wake:
            obey(now);
            break;
    }
}

void Worker::serve_udp(Address& address) {
    served_->pipeline.shed_forwards(address.busy_rounds >= kTooManyRounds &&
                                    address.udp.has_long_queue());
    int batches = 0;
    while (address.route != nullptr && batches < kBatchesPerEvent &&
           address.udp.serve(*batch_, served_->pipeline, *address.route)) {
        ++batches;
    }
    served_->pipeline.shed_forwards(false);
    address.busy_rounds = batches == kBatchesPerEvent ? address.busy_rounds + 1 : 0;
}

void Worker::accept(std::uint32_t index, Clock::time_point now) {
    Address& address = *addresses_[index];
    if (address.route == nullptr || stopping_ == Stop::HandOver) {
        return;
    }
    if (!tcp_.accept_from(address.tcp.get(), *address.route, now)) {
        address.paused = true;
        poll_.modify(address.tcp.get(), 0, {EventTag::Kind::TcpListener, index});
    }
}

void Worker::tick(Clock::time_point now) {
    if (heartbeats_ != nullptr) {
        heartbeats_->beat(index_, now);
    }
    tcp_.tick(now);
    served_->pipeline.counters().tcp_connections.set(tcp_.open());
    served_->pipeline.tick(now);
    for (const auto& former : former_) {
        former->pipeline.tick(now);
    }
    end_former(now);
    for (const auto& address : addresses_) {
        if (address != nullptr) {
            WorkerCells& counters = served_->pipeline.counters();
            counters.unsent_replies.add(address->udp.take_unsent());
            counters.overflows.add(address->udp.take_overflows());
        }
    }
    for (std::uint32_t i = 0; i < addresses_.size(); ++i) {
        if (addresses_[i] != nullptr && addresses_[i]->paused) {
            addresses_[i]->paused = false;
            poll_.modify(addresses_[i]->tcp.get(), EPOLLIN, {EventTag::Kind::TcpListener, i});
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
        addresses_[client.index]->udp.send(client, reply, size);
    }
}

// What follows happens seldom: orders from the main thread.

void Worker::obey(Clock::time_point now) {
    std::uint64_t count = 0;
    (void)!::read(wake_event_.get(), &count, sizeof count);
    std::optional<Adoption> adoption;
    std::optional<Stop> stop;
    {
        const std::lock_guard lock(mutex_);
        std::swap(adoption, adoption_);
        std::swap(stop, stop_);
    }
    if (adoption) {
        switch_to(std::move(*adoption), now);
    }
    if (stop) {
        begin_stop(*stop, now);
    }
}

void Worker::switch_to(Adoption adoption, Clock::time_point now) {
    auto next = std::make_unique<Served>(std::move(adoption.routing), *this);
    next->pipeline.begin_batch(now);
    std::swap(served_, next);
    retire_addresses(*next, now);
    const Routing& routing = *served_->routing;
    if (routing.udp_reply_size > batch_->reply_size) {
        batch_ = std::make_unique<UdpBatch>(routing.udp_reply_size);
    }
    tcp_.serve_with(served_->pipeline,
                    [&](const Route& route) { return find_serving(routing, route.listen); });
    for (ListenSockets& sockets : adoption.opened) {
        add_address(std::move(sockets));
    }
    next->pipeline.end_batch();
    next->end_by = now + kLongestWait;
    former_.push_back(std::move(next));
    end_former(now);
}

/// Each address gets its new route. One that has none is emptied into the pipeline before, and gets
/// no more: it stays open for late replies, and would keep queries from a socket of all addresses.
void Worker::retire_addresses(Served& former, Clock::time_point now) {
    for (const auto& address : addresses_) {
        if (address == nullptr || address->route == nullptr) {
            continue;
        }
        const Route* before =
            std::exchange(address->route, served_->routing->find_route(address->listen));
        if (address->route != nullptr) {
            continue;
        }
        address->udp.stop_receiving();
        for (int i = 0; i < kBatchesAtEnd && address->udp.serve(*batch_, former.pipeline, *before);
             ++i) {
        }
        if (const Route* route = find_serving(*served_->routing, address->listen)) {
            (void)tcp_.accept_from(address->tcp.get(), *route, now);
        }
        poll_.remove(address->udp.fd());
        poll_.remove(address->tcp.get());
        address->tcp = Fd();
    }
}

/// Lets go of routings that nothing waits for, and then of addresses that nobody is left to answer.
void Worker::end_former(Clock::time_point now) {
    std::erase_if(former_, [&](const auto& former) {
        return former->pipeline.waiting() == 0 || now >= former->end_by;
    });
    if (!former_.empty()) {
        return;
    }
    for (auto& address : addresses_) {
        if (address != nullptr && address->route == nullptr) {
            address->udp.flush();
            address.reset();
        }
    }
}

void Worker::begin_stop(Stop how, Clock::time_point now) {
    stopping_ = how;
    stop_by_ = now + (how == Stop::Drain ? kLongestWait : kLongestHandOver);
    if (how == Stop::Drain) {
        return;
    }
    for (const auto& address : addresses_) {
        if (address != nullptr && address->route != nullptr) {
            poll_.remove(address->udp.fd());
            poll_.remove(address->tcp.get());
            address->tcp = Fd();
        }
    }
}

/// Of one that stops: nobody is left to be answered.
bool Worker::is_idle() const {
    return waiting() == 0 && (stopping_ == Stop::HandOver ? tcp_.open() == 0 : !tcp_.busy());
}

bool Worker::is_done(int events, Clock::time_point now) const {
    return stopping_ && ((events == 0 && is_idle()) || now >= stop_by_);
}

}  // namespace server

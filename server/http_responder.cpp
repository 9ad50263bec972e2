#include "server/http_responder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>

namespace server {
namespace {

using namespace std::chrono_literals;
constexpr auto kConnectionsTick = 100ms;

}  // namespace

HttpResponder::HttpResponder(HttpLimits limits, RareMetrics* metrics)
    : wake_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), connections_(poll_, limits, metrics) {
    if (!wake_event_ || !poll_.add(wake_event_.get(), EPOLLIN, {EventTag::Kind::Wake})) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

HttpResponder::~HttpResponder() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake();
        thread_.join();
    }
}

void HttpResponder::commit(HttpListeners prepared) {
    if (!thread_.joinable()) {
        if (prepared.empty()) {
            return;
        }
        thread_ = std::thread([this] { run(); });
    }
    {
        std::unique_lock lock(mutex_);
        next_ = &prepared;
        wake();
        taken_.wait(lock, [this] { return next_ == nullptr; });
    }
    listeners_ = std::move(prepared);  // closes what is in neither
}

void HttpResponder::wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_event_.get(), &one, sizeof one);
}

void HttpResponder::run() {
    std::array<epoll_event, 64> events;
    Clock::time_point next_tick = Clock::now() + kConnectionsTick;
    while (!stopping_) {
        const bool ticking = connections_.open() > 0 || !paused_.empty();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Clock::now());
        const int wait = connections_.has_more() ? 0
                         : ticking               ? static_cast<int>(std::max(left, 0ms).count())
                                                 : -1;
        const int count =
            epoll_wait(poll_.fd(), events.data(), static_cast<int>(events.size()), wait);
        const Clock::time_point now = Clock::now();
        for (int i = 0; i < count; ++i) {
            dispatch(events[static_cast<std::size_t>(i)], now);
        }
        connections_.go_on(now);
        if (now >= next_tick) {
            connections_.tick(now);
            resume_listeners();
            next_tick = now + kConnectionsTick;
        }
        if (woken_) {  // after the events, whose tags count listeners as they were
            take_change();
        }
    }
}

void HttpResponder::dispatch(const epoll_event& event, Clock::time_point now) {
    const EventTag tag = EventPoll::tag_of(event);
    if (tag.kind == EventTag::Kind::Wake) {
        woken_ = true;
    } else if (tag.kind == EventTag::Kind::TcpConnection) {
        connections_.handle_event(tag, event.events, now);
    } else if (!connections_.accept_from(serving_[tag.index], now)) {
        pause(tag.index);
    }
}

void HttpResponder::take_change() {
    woken_ = false;
    std::uint64_t count = 0;
    (void)!::read(wake_event_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    stopping_ = stop_;
    if (next_ == nullptr) {
        return;
    }
    for (const HttpListener& listener : serving_) {
        poll_.remove(listener.fd->get());
    }
    connections_.use(*next_);  // before the old set goes, whose descriptors it compares with
    serving_ = *next_;
    connections_.use(serving_);
    paused_.clear();
    for (std::uint32_t i = 0; i < serving_.size(); ++i) {
        // Refused only for want of memory: then as if out of descriptors.
        if (!poll_.add(serving_[i].fd->get(), EPOLLIN, {EventTag::Kind::TcpListener, i})) {
            paused_.push_back(i);
        }
    }
    next_ = nullptr;
    taken_.notify_one();
}

void HttpResponder::pause(std::uint32_t index) {
    poll_.remove(serving_[index].fd->get());
    paused_.push_back(index);
}

void HttpResponder::resume_listeners() {
    std::erase_if(paused_, [this](std::uint32_t index) {
        return poll_.add(serving_[index].fd->get(), EPOLLIN, {EventTag::Kind::TcpListener, index});
    });
}

}  // namespace server

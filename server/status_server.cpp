#include "server/status_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto kStatusTick = 100ms;
// At the end: how long what was accepted may take to come, and then to be answered.
constexpr auto kLastHeads = 500ms;
constexpr auto kLastAnswers = 2s;

/// Lets the peer read what was sent: a socket that is closed with octets unread resets, and takes
/// the reply away (RFC 9112 §9.6).
void close_gently(int fd) {
    (void)::shutdown(fd, SHUT_WR);
    std::array<char, 4096> rest;
    for (int i = 0; i < 4; ++i) {
        pollfd polled{fd, POLLIN, 0};
        if (::poll(&polled, 1, 50) != 1 ||
            ::recv(fd, rest.data(), rest.size(), MSG_DONTWAIT) <= 0) {
            return;
        }
    }
}

}  // namespace

StatusServer::StatusServer(StatusRoutes routes, RareMetrics* metrics, StatusLimits limits)
    : limits_(limits),
      metrics_(metrics),
      http_(std::move(routes)),
      wake_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!wake_event_) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

StatusServer::~StatusServer() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

StatusServer::Prepared StatusServer::prepare(const std::optional<StatusConfig>& config,
                                             std::vector<InheritedHttpListener>& inherited) const {
    if (!config) {
        return {};
    }
    std::vector<InheritedHttpListener> own;
    const auto given = std::ranges::find(inherited, config->listen, &InheritedHttpListener::first);
    if (given != inherited.end()) {
        own.push_back(std::move(*given));
        inherited.erase(given);
    }
    return {make_http_listeners({{config->listen, "/", nullptr}}, listeners_, std::move(own)),
            config->host};
}

void StatusServer::commit(Prepared prepared) {
    http_.use_host(std::move(prepared.host));
    if (threads_.empty()) {
        if (prepared.listeners.empty()) {
            return;
        }
        start();
    }
    {
        std::unique_lock lock(mutex_);
        next_ = &prepared.listeners;
        wake();
        taken_.wait(lock, [this] { return next_ == nullptr; });
    }
    listeners_ = std::move(prepared.listeners);  // closes what is in neither
}

void StatusServer::start() {
    threads_.emplace_back([this] { accept_all(); });
    for (std::size_t i = 0; i < limits_.threads; ++i) {
        threads_.emplace_back([this] { answer_all(); });
    }
}

void StatusServer::wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_event_.get(), &one, sizeof one);
}

void StatusServer::accept_all() {
    while (!stopping_) {
        wait_for_news();
        give_up_late(Clock::now());
        take_change();
    }
    finish_heads();
}

/// A connection that was taken out of the listener's queue is answered by nobody else: another
/// process, which may have taken the listener over, does not see it.
void StatusServer::finish_heads() {
    serving_.clear();
    const auto last_head = Clock::now() + kLastHeads;
    while (!reading_.empty() && Clock::now() < last_head) {
        wait_for_news();
    }
    const std::lock_guard lock(mutex_);
    last_answer_ = Clock::now() + kLastAnswers;
    work_.notify_all();
}

void StatusServer::take_change() {
    std::uint64_t count = 0;
    (void)!::read(wake_event_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    stopping_ = stop_;
    if (next_ != nullptr) {
        serving_ = *std::exchange(next_, nullptr);
        taken_.notify_one();
    }
}

void StatusServer::wait_for_news() {
    std::vector<pollfd> polled{{wake_event_.get(), POLLIN, 0}};
    const bool paused = Clock::now() < paused_until_;
    for (const HttpListener& listener : serving_) {
        polled.push_back({paused ? -1 : listener.fd->get(), POLLIN, 0});
    }
    const std::size_t first = polled.size();
    for (const Connection& connection : reading_) {
        polled.push_back({connection.fd.get(), POLLIN, 0});
    }
    const bool ticking = paused || !reading_.empty();
    if (::poll(polled.data(), polled.size(),
               ticking ? static_cast<int>(kStatusTick.count()) : -1) <= 0) {
        return;
    }
    std::vector<Connection> still;
    for (std::size_t i = 0; i < reading_.size(); ++i) {
        if (polled[first + i].revents == 0 || read_head(reading_[i])) {
            still.push_back(std::move(reading_[i]));
        }
    }
    reading_ = std::move(still);
    for (std::size_t i = 1; i < first; ++i) {
        if (polled[i].revents != 0) {
            accept_from(polled[i].fd);
        }
    }
}

void StatusServer::accept_from(int listener) {
    while (reading_.size() < limits_.connections * 2) {
        Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                paused_until_ = Clock::now() + kStatusTick;
            }
            break;
        }
        Connection connection{std::move(fd), StatusHead(limits_.head),
                              Clock::now() + limits_.request};
        if (read_head(connection)) {
            reading_.push_back(std::move(connection));
        }
    }
    while (reading_.size() > limits_.connections) {  // who waits longest goes
        count("connections");
        reading_.erase(reading_.begin());
    }
}

/// False if no more is to be read: it is complete, refused, or the peer has gone.
bool StatusServer::read_head(Connection& connection) {
    std::array<char, 4096> octets;
    for (;;) {
        const ssize_t size = ::recv(connection.fd.get(), octets.data(), octets.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (size <= 0) {
            return false;
        }
        const auto state = connection.head.add({octets.data(), static_cast<std::size_t>(size)});
        if (state == StatusHead::State::Incomplete) {
            continue;
        }
        if (state == StatusHead::State::TooLarge) {
            count("size");
            connection.refused = 431;
        }
        hand_on(std::move(connection));
        return false;
    }
}

void StatusServer::give_up_late(Clock::time_point now) {
    std::erase_if(reading_, [&](Connection& connection) {
        if (now < connection.until) {
            return false;
        }
        count("request");
        connection.refused = 408;
        hand_on(std::move(connection));
        return true;
    });
}

void StatusServer::hand_on(Connection connection) {
    {
        const std::lock_guard lock(mutex_);
        if (complete_.size() < limits_.waiting) {
            complete_.push_back(std::move(connection));
            work_.notify_one();
            return;
        }
    }
    count("connections");
}

void StatusServer::answer_all() {
    for (;;) {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return last_answer_ || !complete_.empty(); });
        if (complete_.empty() || (last_answer_ && Clock::now() > *last_answer_)) {
            return;
        }
        Connection connection = std::move(complete_.front());
        complete_.pop_front();
        lock.unlock();
        answer(std::move(connection));
    }
}

void StatusServer::answer(Connection connection) {
    const int fd = connection.fd.get();
    const bool sent = connection.refused == 0
                          ? http_.answer(connection.head.take(), fd, limits_.reply)
                          : http_.refuse(connection.refused, fd, limits_.reply);
    if (sent) {
        close_gently(fd);
    } else {
        count("reply");
    }
}

void StatusServer::count(const char* limit) {
    if (metrics_ != nullptr) {
        metrics_->add(metric::kHttpClosed, {{"reason", limit}});
    }
}

}  // namespace server

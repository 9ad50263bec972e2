#include "server/health_probe.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "k8s_client/error_text.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using Level = k8s_client::Journal::Level;

constexpr std::string_view kHealthRequest =
    "GET /health HTTP/1.1\r\nHost: localhost\r\nUser-Agent: keryx\r\nConnection: close\r\n\r\n";

/// Where a listener of ours can be asked.
Listen reachable(Listen listen) {
    if (listen.address == "::") {
        listen.address = "::1";
    } else if (listen.address == "0.0.0.0") {
        listen.address = "127.0.0.1";
    }
    return listen;
}

std::string url_of(const Listen& listen) {
    const bool v6 = listen.address.find(':') != std::string::npos;
    return "http://" + (v6 ? "[" + listen.address + "]" : listen.address) + ":" +
           std::to_string(listen.port) + "/health";
}

/// A socket whose connection is under way, or the errno.
tl::expected<Fd, int> start_connecting(const Listen& target) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (getaddrinfo(target.address.c_str(), std::to_string(target.port).c_str(), &hints, &list) !=
        0) {
        return tl::unexpected(EINVAL);
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
    Fd fd(socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || (connect(fd.get(), list->ai_addr, list->ai_addrlen) != 0 && errno != EINPROGRESS)) {
        return tl::unexpected(errno);
    }
    return fd;
}

int error_of(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

HealthProbe::HealthProbe(const std::vector<Listen>& targets, RareMetrics& metrics,
                         k8s_client::Journal& journal, HealthProbeTimes times)
    : targets_([&] {
          std::vector<Listen> all = targets;
          std::ranges::transform(all, all.begin(), reachable);
          return all;
      }()),
      metrics_(metrics),
      journal_(journal),
      times_(times),
      stop_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!stop_event_) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    thread_ = std::thread([this] { run(); });
}

HealthProbe::~HealthProbe() {
    const std::uint64_t one = 1;
    (void)!::write(stop_event_.get(), &one, sizeof one);
    thread_.join();
}

void HealthProbe::run() {
    Clock::time_point next = Clock::now() + times_.interval;
    while (wait(next) != Waited::Stopped) {
        for (const Listen& target : targets_) {
            if (!ask(target)) {
                return;
            }
        }
        // What takes longer than an interval is not made up for.
        next = std::max(next + times_.interval, Clock::now());
    }
}

/// False: the probe is to end.
bool HealthProbe::ask(const Listen& target) {
    const Clock::time_point start = Clock::now();
    const auto done = request(target, start + times_.limit);
    if (wait(start) == Waited::Stopped) {
        return false;
    }
    const Clock::duration duration = Clock::now() - start;
    const double seconds = std::chrono::duration<double>(duration).count();
    metrics_.observe(metric::kHealthDuration, {}, seconds);
    if (!done) {
        metrics_.add(metric::kHealthFailures);
        journal_.write(Level::Warning,
                       fmt::format("plugin/health: Local health request to \"{}\" failed: {}",
                                   url_of(target), done.error()));
    } else if (duration > times_.slow) {
        journal_.write(
            Level::Warning,
            fmt::format("plugin/health: Local health request to \"{}\" took more than 1s: {:.3f}s",
                        url_of(target), seconds));
    }
    return true;
}

HealthProbe::Waited HealthProbe::wait(Clock::time_point until, int fd, short events) const {
    pollfd fds[2] = {{stop_event_.get(), POLLIN, 0}, {fd, events, 0}};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        const int count = poll(fds, 2, static_cast<int>(std::max(left, 0ms).count()));
        if (count > 0) {
            return fds[0].revents != 0 ? Waited::Stopped : Waited::Ready;
        }
        if (count == 0 && Clock::now() >= until) {
            return Waited::TimedOut;
        }
    }
}

/// Any status is an answer: what is measured is how long it takes, as in CoreDNS.
tl::expected<void, std::string> HealthProbe::request(const Listen& target,
                                                     Clock::time_point until) const {
    const auto fd = start_connecting(target);
    if (!fd) {
        return tl::unexpected("connect: " + k8s_client::error_text(fd.error()));
    }
    const auto timed_out = [](std::string_view what) {
        return tl::unexpected(std::string(what) + ": timed out");
    };
    if (wait(until, fd->get(), POLLOUT) != Waited::Ready) {
        return timed_out("connect");
    }
    if (const int error = error_of(fd->get()); error != 0) {
        return tl::unexpected("connect: " + k8s_client::error_text(error));
    }
    if (::send(fd->get(), kHealthRequest.data(), kHealthRequest.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(kHealthRequest.size())) {
        return tl::unexpected("write: " + k8s_client::error_text(errno));
    }
    if (wait(until, fd->get(), POLLIN) != Waited::Ready) {
        return timed_out("read");
    }
    char status[16];
    const ssize_t size = recv(fd->get(), status, sizeof status, 0);
    if (size < 0) {
        return tl::unexpected("read: " + k8s_client::error_text(errno));
    }
    if (!std::string_view(status, static_cast<std::size_t>(size)).starts_with("HTTP/1.1 ")) {
        return tl::unexpected(std::string("read: no HTTP reply"));
    }
    return {};
}

}  // namespace server

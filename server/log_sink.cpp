#include "server/log_sink.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <poll.h>
#include <string>
#include <utility>

#include <climits>
#include <fmt/format.h>

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kGather = 5ms;  // lines of several batches go out together
constexpr int kLookMs = 50;    // whether to give up

std::uint64_t count_lines(std::string_view lines) {
    return static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
}

}  // namespace

struct LogSink::Queue {
    LogStyle style;
    int fd;
    LogLimits limits;
    std::atomic<std::uint64_t> lost{0};

    std::mutex mutex;  // of all that follows
    std::condition_variable arrived, ended;
    std::string waiting;
    std::size_t taken = 0;     // octets that the writer has and has not written yet
    std::uint64_t untold = 0;  // lost for want of room, and not said
    bool idle = false;         // the writer sleeps until it is told
    bool ending = false;
    bool gone = false;  // the writer is
    Clock::time_point end_by{};

    void put(std::string_view lines);
    void run();
    bool take(std::string& lines);
    void write_out(std::string_view left);
    bool gives_up();
};

void LogSink::Queue::put(std::string_view lines) {
    if (waiting.size() + taken + lines.size() > limits.most) {
        const std::uint64_t count = count_lines(lines);
        untold += count;
        lost += count;
    } else {
        waiting += lines;
    }
}

void LogSink::Queue::run() {
    std::string lines;
    while (take(lines)) {
        write_out(lines);
    }
    const std::lock_guard lock(mutex);
    gone = true;
    ended.notify_all();
}

/// False when all is written, and no more will come.
bool LogSink::Queue::take(std::string& lines) {
    std::unique_lock lock(mutex);
    taken = 0;
    idle = true;
    arrived.wait(lock, [this] { return !waiting.empty() || untold > 0 || ending; });
    idle = false;
    arrived.wait_for(lock, kGather, [this] { return ending; });
    lines.clear();
    lines.swap(waiting);
    if (untold > 0) {
        lines += log_line(
            style, LogLevel::Warning,
            fmt::format("log: {} lines were lost, since nobody read them in time", untold));
        untold = 0;
    }
    taken = lines.size();
    return !lines.empty();
}

/// A descriptor that is ready takes PIPE_BUF octets without blocking (pipe(7)).
void LogSink::Queue::write_out(std::string_view left) {
    while (!left.empty()) {
        pollfd ready{fd, POLLOUT, 0};
        const int count = poll(&ready, 1, kLookMs);
        if (count <= 0) {
            if (gives_up()) {
                break;
            }
            continue;
        }
        const ssize_t written =
            ::write(fd, left.data(), std::min(left.size(), std::size_t{PIPE_BUF}));
        if (written > 0) {
            left.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR && errno != EAGAIN) {
            break;  // no reader
        }
    }
    lost += count_lines(left);
}

bool LogSink::Queue::gives_up() {
    const std::lock_guard lock(mutex);
    return ending && Clock::now() >= end_by;
}

LogSink::LogSink(LogStyle style, int fd, const LogLimits& limits)
    : queue_(std::make_shared<Queue>()) {
    queue_->style = style;
    queue_->fd = fd;
    queue_->limits = limits;
    writer_ = std::thread([queue = queue_] { queue->run(); });
}

LogSink::~LogSink() {
    std::unique_lock lock(queue_->mutex);
    queue_->ending = true;
    queue_->end_by = Clock::now() + queue_->limits.last_words;
    queue_->arrived.notify_all();
    // It may be stuck all the same: somebody else filled a shared pipe between poll() and write().
    const auto patience = queue_->end_by + std::chrono::milliseconds(4 * kLookMs);
    const bool gone = queue_->ended.wait_until(lock, patience, [this] { return queue_->gone; });
    lock.unlock();
    if (gone) {
        writer_.join();
    } else {
        writer_.detach();
    }
}

LogStyle LogSink::style() const {
    return queue_->style;
}

void LogSink::write(std::string_view lines) {
    if (lines.empty()) {
        return;
    }
    bool wake = false;
    {
        const std::lock_guard lock(queue_->mutex);
        queue_->put(lines);
        wake = std::exchange(queue_->idle, false);
    }
    if (wake) {
        queue_->arrived.notify_one();
    }
}

std::uint64_t LogSink::lost() const {
    return queue_->lost;
}

}  // namespace server

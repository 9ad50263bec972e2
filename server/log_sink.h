// Where all lines of the process go: to standard output, by a thread of its own.
// Knows bounds and a reader that may not read; knows nothing of what lines say. Any thread may
// write: it copies the lines and goes on. What finds no room is lost and counted, and a line says
// so once the reader takes again. Owns the thread; borrows the descriptor, whose flags it leaves
// alone, since others may share them. To be made after signals are blocked, so that they stay the
// main thread's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <unistd.h>

#include "server/log_line.h"

namespace server {

struct LogLimits {
    std::size_t most = std::size_t{4} << 20;      // octets that wait for the reader
    std::chrono::milliseconds last_words{1'000};  // what waits at the end has so long
};

class LogSink {
  public:
    explicit LogSink(LogStyle style = LogStyle::Text, int fd = STDOUT_FILENO,
                     const LogLimits& limits = {});
    /// Writes what waits, but not for longer than the limit says.
    ~LogSink();
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    LogStyle style() const;

    /// One or more whole lines, each with its newline.
    void write(std::string_view lines);

    /// Lines that nobody will read: no room, or no reader.
    std::uint64_t lost() const;

  private:
    struct Queue;
    std::shared_ptr<Queue> queue_;  // the thread's as well: where it is stuck, it stays behind
    std::thread writer_;
};

}  // namespace server

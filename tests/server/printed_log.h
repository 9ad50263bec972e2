// A sink whose lines go to a file, for tests to read.
// Owns the file and the sink; one thread, the test's.
#pragma once

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "server/log_sink.h"

namespace server::testing {

class PrintedLog {
  public:
    explicit PrintedLog(LogStyle style = LogStyle::Text) : file_(std::tmpfile()) {
        if (file_ == nullptr) {
            throw std::runtime_error("no temporary file");
        }
        sink_.emplace(style, fileno(file_.get()));
    }

    LogSink& sink() { return *sink_; }

    /// All of it; ends the sink.
    std::string text() {
        sink_.reset();
        std::string out(static_cast<std::size_t>(lseek(fileno(file_.get()), 0, SEEK_END)), ' ');
        const ssize_t got = pread(fileno(file_.get()), out.data(), out.size(), 0);
        out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return out;
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
    std::optional<LogSink> sink_;
};

inline std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace server::testing

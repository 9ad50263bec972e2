// The lines of `errors`, of one server block and all workers together: what repeats is summed up.
// Knows the rules of `consolidate` and what we do without one; knows nothing of who failed. Any
// thread; a short lock per error. Borrows the sink.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/log_sink.h"
#include "server/pattern.h"
#include "zones/message.h"
#include "zones/name.h"

namespace server {

/// `consolidate DURATION REGEXP [LEVEL] [show_first]`
struct ConsolidateRule {
    std::chrono::nanoseconds period{};
    std::string expression;                           // RE2's syntax, which is Go's
    std::optional<LogLevel> level = LogLevel::Error;  // nullopt: debug, and that is not printed
    bool show_first = false;
};

struct ErrorsConfig {
    std::vector<ConsolidateRule> rules;  // the first that matches decides
};

struct FailedQuery {
    zones::Rcode rcode;
    zones::NameView qname;
    std::uint16_t qtype;
    std::string_view why;
};

class ErrorLog {
  public:
    using Clock = std::chrono::steady_clock;

    /// Throws std::invalid_argument for an expression that does not compile.
    ErrorLog(const ErrorsConfig& config, LogSink& sink);
    /// Says what has not been summed up yet.
    ~ErrorLog();
    ErrorLog(const ErrorLog&) = delete;
    ErrorLog& operator=(const ErrorLog&) = delete;

    /// A line; or, if a rule matches or the same has been said often enough, only a count.
    void error(const FailedQuery& failed, Clock::time_point now);

    /// Every 100 ms, or more often; by any number of threads. Sums up what is due.
    void tick(Clock::time_point now);

  private:
    struct Rule {
        ConsolidateRule config;
        Pattern pattern;
        std::uint64_t count = 0;
        Clock::time_point due{};
    };
    /// Equal errors without a rule, but for the name.
    struct Kind {
        zones::Rcode rcode;
        std::string why;
        Clock::duration window;
        Clock::time_point due;
        std::uint64_t count = 0;
    };

    Rule* rule_for(std::string_view why);
    std::optional<LogLevel> count_by(Rule& rule, Clock::time_point now);
    std::optional<LogLevel> count_kind(const FailedQuery& failed, Clock::time_point now);
    Kind& kind_of(const FailedQuery& failed, Clock::time_point now);
    void sum_up_rules(Clock::time_point now);
    void sum_up_kinds(Clock::time_point now);
    void expect(Clock::time_point due);
    void write(LogLevel level, const FailedQuery& failed);
    void write_sum(LogLevel level, const std::string& text);

    LogSink& sink_;
    std::vector<Rule> rules_;  // patterns are immutable, counts are under the lock
    std::atomic<Clock::time_point> next_due_{Clock::time_point::max()};
    std::mutex mutex_;
    std::vector<Kind> kinds_;
};

/// As Go prints it: "30s", "5m0s", "1.5s", "500ms".
std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace server

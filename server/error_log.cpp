#include "server/error_log.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "server/log_format.h"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMostEqual = 5;  // lines of a kind, in each window
constexpr auto kFirstErrorWindow = 1s;
constexpr auto kLongestErrorWindow = 32s;  // of an error that goes on and on
constexpr std::size_t kMostKinds = 64;
constexpr std::string_view kAnyOther = "any other";

std::string with_fraction(std::int64_t value, std::int64_t unit, std::string_view name) {
    std::string text = fmt::format("{}", value / unit);
    if (value % unit != 0) {
        std::string fraction = fmt::format("{}", unit + value % unit).substr(1);
        fraction.erase(fraction.find_last_not_of('0') + 1);
        text += "." + fraction;
    }
    return text.append(name);
}

}  // namespace

std::string duration_text(std::chrono::nanoseconds duration) {
    const std::int64_t ns = duration.count();
    if (ns < 1'000) {
        return ns == 0 ? "0s" : fmt::format("{}ns", ns);
    }
    if (ns < 1'000'000) {
        return with_fraction(ns, 1'000, "\xc2\xb5s");
    }
    if (ns < 1'000'000'000) {
        return with_fraction(ns, 1'000'000, "ms");
    }
    constexpr std::int64_t kMinute = 60'000'000'000;
    std::string seconds = with_fraction(ns % kMinute, 1'000'000'000, "s");
    const std::int64_t minutes = ns / kMinute;
    if (minutes == 0) {
        return seconds;
    }
    return minutes < 60 ? fmt::format("{}m{}", minutes, seconds)
                        : fmt::format("{}h{}m{}", minutes / 60, minutes % 60, seconds);
}

ErrorLog::ErrorLog(const ErrorsConfig& config, LogSink& sink) : sink_(sink) {
    for (const ConsolidateRule& rule : config.rules) {
        auto pattern = Pattern::compile(rule.expression);
        if (!pattern) {
            throw std::invalid_argument(pattern.error());
        }
        rules_.push_back({rule, std::move(*pattern)});
    }
}

ErrorLog::~ErrorLog() {
    tick(Clock::time_point::max());
}

void ErrorLog::error(const FailedQuery& failed, Clock::time_point now) {
    Rule* const rule = rule_for(failed.why);
    std::optional<LogLevel> level;
    {
        const std::lock_guard lock(mutex_);
        level = rule != nullptr ? count_by(*rule, now) : count_kind(failed, now);
    }
    if (level) {
        write(*level, failed);
    }
}

ErrorLog::Rule* ErrorLog::rule_for(std::string_view why) {
    Groups groups;
    const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& candidate) {
        return candidate.pattern.match(why, groups);
    });
    return rule == rules_.end() ? nullptr : &*rule;
}

/// At which level the error is to be written; nullopt: it is not.
std::optional<LogLevel> ErrorLog::count_by(Rule& rule, Clock::time_point now) {
    if (++rule.count > 1) {
        return std::nullopt;
    }
    rule.due = now + rule.config.period;
    expect(rule.due);
    return rule.config.show_first ? rule.config.level : std::nullopt;
}

std::optional<LogLevel> ErrorLog::count_kind(const FailedQuery& failed, Clock::time_point now) {
    return ++kind_of(failed, now).count <= kMostEqual ? std::optional(LogLevel::Error)
                                                      : std::nullopt;
}

/// A text may have a part that differs: beyond so many, all others are one kind.
ErrorLog::Kind& ErrorLog::kind_of(const FailedQuery& failed, Clock::time_point now) {
    const auto find = [this](zones::Rcode rcode, std::string_view why) {
        return std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& kind) {
            return kind.rcode == rcode && kind.why == why;
        });
    };
    auto kind = find(failed.rcode, failed.why);
    const bool crowded = kinds_.size() >= kMostKinds;
    if (kind == kinds_.end() && crowded) {
        kind = find(zones::Rcode::ServFail, kAnyOther);
    }
    if (kind == kinds_.end()) {
        kinds_.push_back({crowded ? zones::Rcode::ServFail : failed.rcode,
                          std::string(crowded ? kAnyOther : failed.why), kFirstErrorWindow,
                          now + kFirstErrorWindow});
        expect(now + kFirstErrorWindow);
        return kinds_.back();
    }
    return *kind;
}

void ErrorLog::expect(Clock::time_point due) {
    next_due_ = std::min(next_due_.load(), due);
}

void ErrorLog::tick(Clock::time_point now) {
    if (now < next_due_.load(std::memory_order_relaxed)) {
        return;
    }
    const std::lock_guard lock(mutex_);
    next_due_ = Clock::time_point::max();
    sum_up_rules(now);
    sum_up_kinds(now);
}

void ErrorLog::sum_up_rules(Clock::time_point now) {
    for (Rule& rule : rules_) {
        if (rule.count > 0 && rule.due > now) {
            expect(rule.due);
            continue;
        }
        const std::uint64_t count = std::exchange(rule.count, 0);
        if (rule.config.level && count > (rule.config.show_first ? 1U : 0U)) {
            write_sum(*rule.config.level,
                      fmt::format("{} errors like '{}' occurred in last {}", count,
                                  rule.config.expression, duration_text(rule.config.period)));
        }
    }
}

/// While an error comes more often than it may be written, it is summed up ever less often.
void ErrorLog::sum_up_kinds(Clock::time_point now) {
    std::vector<Kind> on_going;
    for (Kind& kind : kinds_) {
        if (kind.due > now) {
            expect(kind.due);
            on_going.push_back(std::move(kind));
            continue;
        }
        if (kind.count > kMostEqual) {
            write_sum(LogLevel::Error,
                      fmt::format("{} more errors like '{}' ({}) occurred in last {}",
                                  kind.count - kMostEqual, kind.why,
                                  rcode_text(static_cast<unsigned>(kind.rcode)),
                                  duration_text(kind.window)));
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kind.window).count();
        if (kind.count > kMostEqual * static_cast<std::uint64_t>(seconds) &&
            now != Clock::time_point::max()) {
            kind.count = 0;
            kind.window = std::min<Clock::duration>(kind.window * 2, kLongestErrorWindow);
            kind.due = now + kind.window;
            expect(kind.due);
            on_going.push_back(std::move(kind));
        }
    }
    kinds_ = std::move(on_going);
}

void ErrorLog::write(LogLevel level, const FailedQuery& failed) {
    const std::string name = zones::to_string(failed.qname), type = type_text(failed.qtype);
    if (sink_.style() == LogStyle::Text) {
        sink_.write(
            log_line(LogStyle::Text, level,
                     fmt::format("plugin/errors: {} {} {}: {}", static_cast<unsigned>(failed.rcode),
                                 name, type, failed.why)));
        return;
    }
    const std::string rcode = rcode_text(static_cast<unsigned>(failed.rcode));
    sink_.write(json_line(level, std::to_array<JsonField>({{"plugin", std::string_view("errors")},
                                                           {"rcode", rcode},
                                                           {"name", name},
                                                           {"type", type},
                                                           {"error", failed.why}})));
}

void ErrorLog::write_sum(LogLevel level, const std::string& text) {
    sink_.write(log_line(sink_.style(), level, "plugin/errors: " + text));
}

}  // namespace server

#include <array>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/pattern.h"

// `log` and `errors`.

namespace server {
namespace {

constexpr std::size_t kLongestExpression = 10'000;  // coredns/plugin/errors

void read_class(const Directive& line, LogConfig& log) {
    static constexpr std::string_view kClasses[] = {"success", "denial", "error", "all"};
    expect_arguments(line, 1, kNoLimit);
    for (const std::string& arg : line.args) {
        const std::size_t name = read_word(line, arg, kClasses);
        log.success = log.success || name == 0 || name == 3;
        log.denial = log.denial || name == 1 || name == 3;
        log.error = log.error || name == 2 || name == 3;
    }
}

std::string read_expression(const Directive& line, const std::string& text) {
    if (text.size() > kLongestExpression) {
        fail(line.at, "a regular expression of consolidate has at most 10000 characters",
             text.substr(0, 40) + "...");
    }
    if (const auto pattern = Pattern::compile(text); !pattern) {
        fail(line.at, "not a regular expression: " + pattern.error(), text);
    }
    return text;
}

/// LEVEL, `show_first`, or LEVEL and then `show_first`.
void read_consolidate_options(const Directive& line, ConsolidateRule& rule) {
    static constexpr std::string_view kWords[] = {"warning", "error", "info", "debug",
                                                  "show_first"};
    static constexpr std::array<std::optional<LogLevel>, 4> kLevels = {
        LogLevel::Warning, LogLevel::Error, LogLevel::Info, std::nullopt};
    for (std::size_t i = 2; i < line.args.size(); ++i) {
        const std::size_t word = read_word(line, line.args[i], kWords);
        if (word == kLevels.size()) {
            rule.show_first = true;
        } else {
            rule.level = kLevels.at(word);
        }
    }
    if (line.args.size() == 4 && (line.args[2] == "show_first" || line.args[3] != "show_first")) {
        fail(line.at, "show_first comes last, after one level", text_of(line));
    }
}

void read_consolidate(const Directive& line, ErrorsConfig& errors) {
    expect_arguments(line, 2, 4);
    ConsolidateRule rule;
    rule.period = read_duration(line, line.args[0]);
    rule.expression = read_expression(line, line.args[1]);
    read_consolidate_options(line, rule);
    errors.rules.push_back(std::move(rule));
}

/// There are no panics here to be traced.
void read_stacktrace(const Directive& line, ErrorsConfig& /*errors*/) {
    expect_arguments(line, 0, 0);
}

constexpr Option<ErrorsConfig> kErrorsOptions[] = {{"consolidate", read_consolidate},
                                                   {"stacktrace", read_stacktrace}};
constexpr Option<LogConfig> kLogOptions[] = {{"class", read_class}};

}  // namespace

ErrorsConfig read_errors(const Directive& directive) {
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty() && directive.args[0] != "stdout") {
        fail(directive.at, "invalid log file of errors", directive.args[0]);
    }
    ErrorsConfig errors;
    read_options<ErrorsConfig>(directive, kErrorsOptions, errors);
    return errors;
}

LogConfig read_log(const Directive& directive) {
    LogConfig log{{}, false, false, false, LogFormat{}};
    auto names = directive.args;
    // As in CoreDNS a lone argument is a name whatever it looks like.
    if (names.size() > 1 && names.back().find('{') != std::string::npos) {
        log.format = LogFormat(names.back());
        names.pop_back();
    }
    for (const std::string& name : names) {
        log.names.push_back(read_name(directive.at, name));
    }
    if (log.names.empty()) {
        log.names.emplace_back();
    }
    read_options<LogConfig>(directive, kLogOptions, log);
    if (!log.success && !log.denial && !log.error) {
        log.success = log.denial = log.error = true;
    }
    return log;
}

}  // namespace server

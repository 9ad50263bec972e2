#include "server/config_options.h"
#include "server/config_plugins.h"

// The plugins with few options: errors, loadbalance, log, loop, multisocket, reload, and the
// three that listen for HTTP.

namespace server {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t kMaxSockets = 1024;  // coredns/plugin/multisocket
constexpr std::string_view kCommonFormat =
    "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" "
    "{rcode} {>rflags} {rsize} {duration}";

/// For plugins whose options have no values to keep.
struct Nothing {};

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

void check_lameduck(const Directive& line, Nothing& /*none*/) {
    expect_arguments(line, 1, 1);
    read_duration(line, line.args[0]);
}

void check_monitor(const Directive& line, Nothing& /*none*/) {
    static constexpr std::string_view kModes[] = {"until-ready", "continuously"};
    expect_arguments(line, 1, 1);
    read_word(line, line.args[0], kModes);
}

void check_no_arguments(const Directive& line, Nothing& /*none*/) {
    expect_arguments(line, 0, 0);
}

void check_one_argument(const Directive& line, Nothing& /*none*/) {
    expect_arguments(line, 1, 1);
}

constexpr Option<Nothing> kErrorsOptions[] = {{"consolidate", refuse_option<Nothing>},
                                              {"stacktrace", refuse_option<Nothing>}};
constexpr Option<Nothing> kHealthOptions[] = {{"lameduck", check_lameduck}};
constexpr Option<Nothing> kLoadbalanceOptions[] = {{"prefer", refuse_option<Nothing>},
                                                   {"reload", refuse_option<Nothing>}};
constexpr Option<LogConfig> kLogOptions[] = {{"class", read_class}};
constexpr Option<Nothing> kPrometheusOptions[] = {{"runtime_metrics", check_no_arguments},
                                                  {"tls", check_one_argument}};
constexpr Option<Nothing> kReadyOptions[] = {{"monitor", check_monitor}};

/// `NAME [ADDR] { OPTIONS }`
void check_http(const Directive& directive, std::span<const Option<Nothing>> options) {
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty()) {
        check_host_port(directive, directive.args[0]);
    }
    Nothing none;
    read_options<Nothing>(directive, options, none);
}

}  // namespace

void check_errors(const Directive& directive) {
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty() && directive.args[0] != "stdout") {
        fail(directive.at, "invalid log file of errors", directive.args[0]);
    }
    Nothing none;
    read_options<Nothing>(directive, kErrorsOptions, none);
}

void check_loadbalance(const Directive& directive) {
    static constexpr std::string_view kPolicies[] = {"round_robin"};
    if (!directive.args.empty() && directive.args[0] == "weighted") {
        fail(directive.at, "policy not supported in this version", text_of(directive), kPolicies);
    }
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty()) {
        read_word(directive, directive.args[0], kPolicies);
    }
    Nothing none;
    read_options<Nothing>(directive, kLoadbalanceOptions, none);
}

LogConfig read_log(const Directive& directive) {
    LogConfig log{{}, false, false, false};
    auto names = directive.args;
    // As in CoreDNS a lone argument is a name whatever it looks like.
    if (names.size() > 1 && names.back().find('{') != std::string::npos) {
        static constexpr std::string_view kKnown[] = {"{common}"};
        if (names.back() != kKnown[0] && names.back() != kCommonFormat) {
            fail(directive.at, "log format not supported in this version", names.back(), kKnown);
        }
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

unsigned read_multisocket(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 1);
    return directive.args.empty()
               ? 0U
               : static_cast<unsigned>(read_integer(directive, directive.args[0], 1, kMaxSockets));
}

void check_health(const Directive& directive) {
    check_http(directive, kHealthOptions);
}

void check_prometheus(const Directive& directive) {
    check_http(directive, kPrometheusOptions);
}

void check_ready(const Directive& directive) {
    check_http(directive, kReadyOptions);
}

void check_loop(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 0);
}

void check_reload(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 2);
    const auto& args = directive.args;
    if (!args.empty() && read_duration(directive, args[0]) < seconds(2)) {
        fail(directive.at, "the interval of reload must be at least 2s", args[0]);
    }
    if (args.size() > 1) {
        const nanoseconds jitter = read_duration(directive, args[1]);
        if (jitter != nanoseconds(0) && jitter < seconds(1)) {
            fail(directive.at, "the jitter of reload must be 0 or at least 1s", args[1]);
        }
    }
}

}  // namespace server

#include <limits>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"

// The plugins that are read, and change nothing here: cancel, debug, metadata, pprof. And the one
// that changes connections alone: timeouts.

namespace server {
namespace {

using std::chrono::nanoseconds;

std::chrono::milliseconds read_time(const Directive& line) {
    expect_arguments(line, 1, 1);
    const nanoseconds time = read_duration(line, line.args[0]);
    if (time < std::chrono::seconds(1) || time > std::chrono::hours(24)) {
        fail(line.at, "a timeout must be between 1s and 24h", line.args[0]);
    }
    return std::chrono::ceil<std::chrono::milliseconds>(time);
}

void read_read(const Directive& line, TimeoutsConfig& timeouts) {
    timeouts.read = read_time(line);
}

void read_write(const Directive& line, TimeoutsConfig& timeouts) {
    timeouts.write = read_time(line);
}

void read_idle(const Directive& line, TimeoutsConfig& timeouts) {
    timeouts.idle = read_time(line);
}

void read_max_queries(const Directive& line, TimeoutsConfig& timeouts) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    expect_arguments(line, 1, 1);
    const std::int64_t most = read_integer(line, line.args[0], -1, kMost);
    if (most == 0) {
        fail(line.at, "maxtcpqueries must be positive, or -1 for no limit", line.args[0]);
    }
    timeouts.queries =
        most < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(most);
}

constexpr Option<TimeoutsConfig> kTimeoutsOptions[] = {{"idle", read_idle},
                                                       {"maxtcpqueries", read_max_queries},
                                                       {"read", read_read},
                                                       {"write", read_write}};

}  // namespace

TimeoutsConfig read_timeouts(const Directive& directive) {
    expect_arguments(directive, 0, 0);
    if (directive.block.empty()) {
        fail(directive.at, "timeouts needs a block with at least one option", directive.name);
    }
    TimeoutsConfig timeouts;
    read_options<TimeoutsConfig>(directive, kTimeoutsOptions, timeouts);
    return timeouts;
}

void check_cancel(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty() && read_duration(directive, directive.args[0]).count() <= 0) {
        fail(directive.at, "the duration of cancel must be positive", directive.args[0]);
    }
}

void check_metadata(const Directive& directive) {
    expect_no_block(directive);
    for (const std::string& zone : directive.args) {
        read_zones(directive.at, zone);
    }
}

void check_pprof(const Directive& directive) {
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty() && directive.args[0].find(':') == std::string::npos) {
        fail(directive.at, "pprof needs [HOST]:PORT", directive.args[0]);
    }
    for (const Directive& line : directive.block) {
        static constexpr std::string_view kKnown[] = {"block"};
        read_word(directive, line.name, kKnown);
        expect_arguments(line, 0, 1);
        if (!line.args.empty()) {
            read_integer(line, line.args[0], 0, std::numeric_limits<std::int64_t>::max());
        }
    }
}

}  // namespace server

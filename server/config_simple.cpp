#include <algorithm>

#include "server/config_options.h"
#include "server/config_plugins.h"

// The plugins with few options: loadbalance, loop, multisocket and reload.

namespace server {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::int64_t kMaxSockets = 1024;  // coredns/plugin/multisocket
/// For plugins whose options have no values to keep.
struct Nothing {};

constexpr Option<Nothing> kLoadbalanceOptions[] = {{"prefer", refuse_option<Nothing>},
                                                   {"reload", refuse_option<Nothing>}};

}  // namespace

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

unsigned read_multisocket(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 1);
    return directive.args.empty()
               ? 0U
               : static_cast<unsigned>(read_integer(directive, directive.args[0], 1, kMaxSockets));
}

void check_loop(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 0);
}

ReloadConfig read_reload(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 2);
    ReloadConfig config;
    const auto& args = directive.args;
    if (!args.empty()) {
        config.interval = read_duration(directive, args[0]);
        if (config.interval < seconds(2)) {
            fail(directive.at, "the interval of reload must be at least 2s", args[0]);
        }
    }
    if (args.size() > 1) {
        config.jitter = read_duration(directive, args[1]);
        if (config.jitter != nanoseconds(0) && config.jitter < seconds(1)) {
            fail(directive.at, "the jitter of reload must be 0 or at least 1s", args[1]);
        }
    }
    config.jitter = std::min(config.jitter, config.interval / 2);
    return config;
}

}  // namespace server

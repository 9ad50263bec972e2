#include <limits>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"

namespace server {
namespace {

using std::chrono::minutes;

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxTtl = std::numeric_limits<std::int32_t>::max();  // RFC 2181 §8

struct Target {
    bool serve_stale = false;
    const Directive* serve_stale_policy = nullptr;
};

/// `success|denial CAPACITY [TTL [MINTTL]]`
void check_store(const Directive& line, Target& /*target*/) {
    expect_arguments(line, 1, 3);
    read_integer(line, line.args[0], 0, kMaxInt);
    if (line.args.size() > 1) {
        read_integer(line, line.args[1], 1, kMaxTtl);
    }
    if (line.args.size() > 2) {
        read_integer(line, line.args[2], 0, kMaxTtl);
    }
}

/// `prefetch AMOUNT [DURATION [P%]]`
void check_prefetch(const Directive& line, Target& /*target*/) {
    expect_arguments(line, 1, 3);
    read_integer(line, line.args[0], 0, kMaxInt);
    if (line.args.size() > 1) {
        read_duration(line, line.args[1]);
    }
    if (line.args.size() > 2) {
        const std::string& text = line.args[2];
        if (!text.ends_with('%')) {
            fail(line.at, "the percentage of prefetch must end in '%'", text);
        }
        read_integer(line, text.substr(0, text.size() - 1), 10, 90);
    }
}

/// At most five minutes, as CoreDNS has it for this and for RECHECK.
void check_short_duration(const Directive& line, const std::string& text) {
    if (read_duration(line, text) > minutes(5)) {
        fail(line.at, line.name + " allows at most 5m here", text);
    }
}

/// `serve_stale [DURATION [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]]`
void check_serve_stale(const Directive& line, Target& target) {
    static constexpr std::string_view kModes[] = {"immediate", "verify"};
    target.serve_stale = true;
    const auto& args = line.args;
    if (args.empty()) {
        return;
    }
    read_duration(line, args[0]);
    if (args.size() == 1) {
        return;
    }
    const bool verify = read_word(line, zones::to_lower(args[1]), kModes) == 1;
    const std::size_t ttl_at = verify ? 3 : 2;
    expect_arguments(line, 0, ttl_at + 2);
    for (std::size_t i = 2; i < args.size(); ++i) {
        if (i == ttl_at + 1) {
            check_short_duration(line, args[i]);
        } else {
            read_duration(line, args[i]);
        }
    }
}

void check_serve_stale_policy(const Directive& line, Target& target) {
    static constexpr std::string_view kPolicies[] = {"prefer_positive"};
    expect_arguments(line, 1, 1);
    read_word(line, line.args[0], kPolicies);
    target.serve_stale_policy = &line;
}

void check_servfail(const Directive& line, Target& /*target*/) {
    expect_arguments(line, 1, 1);
    check_short_duration(line, line.args[0]);
}

void check_disable(const Directive& line, Target& /*target*/) {
    static constexpr std::string_view kStores[] = {"success", "denial"};
    expect_arguments(line, 1, kNoLimit);
    read_word(line, line.args[0], kStores);
    read_zones(line.at, {line.args.begin() + 1, line.args.end()});
}

void check_keepttl(const Directive& line, Target& /*target*/) {
    expect_arguments(line, 0, 0);
}

constexpr Option<Target> kOptions[] = {
    {"denial", check_store},
    {"disable", check_disable},
    {"keepttl", check_keepttl},
    {"prefetch", check_prefetch},
    {"serve_stale", check_serve_stale},
    {"serve_stale_policy", check_serve_stale_policy},
    {"servfail", check_servfail},
    {"success", check_store},
};

}  // namespace

void check_cache(const Directive& directive) {
    auto zones = directive.args;
    if (!zones.empty() && parse_integer(zones.front())) {
        read_integer(directive, zones.front(), 1, kMaxTtl);
        zones.erase(zones.begin());
    }
    read_zones(directive.at, zones);
    Target target;
    read_options<Target>(directive, kOptions, target);
    if (target.serve_stale_policy != nullptr && !target.serve_stale) {
        fail(target.serve_stale_policy->at, "serve_stale_policy needs serve_stale");
    }
}

}  // namespace server

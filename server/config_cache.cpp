#include <algorithm>
#include <limits>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"

namespace server {
namespace {

using std::chrono::minutes;
using std::chrono::nanoseconds;

constexpr std::int64_t kMaxCacheTtl = std::numeric_limits<std::int32_t>::max();  // RFC 2181 §8

struct CacheTarget {
    CacheConfig config;
    const Directive* serve_stale_policy = nullptr;
};

nanoseconds read_bounded(const Directive& line, const std::string& text) {
    return std::min(read_duration(line, text), kLongestDuration);
}

std::uint32_t read_cache_ttl(const Directive& line, const std::string& text, std::int64_t least) {
    return static_cast<std::uint32_t>(read_integer(line, text, least, kMaxCacheTtl));
}

/// Whole seconds, as TTLs have them; part of one counts as one.
std::uint32_t as_ttl(nanoseconds duration) {
    return static_cast<std::uint32_t>(
        std::chrono::ceil<std::chrono::seconds>(std::min(duration, kLongestDuration)).count());
}

/// `success|denial CAPACITY [TTL [MINTTL]]`
void read_store(const Directive& line, std::int64_t& capacity, zones::TtlRange& ttls) {
    expect_arguments(line, 1, 3);
    capacity = read_integer(line, line.args[0], 0, kMaxInt);
    if (line.args.size() > 1) {
        ttls.most = read_cache_ttl(line, line.args[1], 1);
    }
    if (line.args.size() > 2) {
        ttls.least = read_cache_ttl(line, line.args[2], 0);
    }
}

void read_success(const Directive& line, CacheTarget& target) {
    auto& options = target.config.options;
    read_store(line, options.success_capacity, options.ttls.success);
}

void read_denial(const Directive& line, CacheTarget& target) {
    auto& options = target.config.options;
    read_store(line, options.denial_capacity, options.ttls.denial);
}

/// `prefetch AMOUNT [DURATION [P%]]`
void read_prefetch(const Directive& line, CacheTarget& target) {
    auto& options = target.config.options;
    expect_arguments(line, 1, 3);
    options.prefetch_hits = read_integer(line, line.args[0], 0, kMaxInt);
    if (line.args.size() > 1) {
        options.prefetch_gap = read_bounded(line, line.args[1]);
    }
    if (line.args.size() > 2) {
        const std::string& text = line.args[2];
        if (!text.ends_with('%')) {
            fail(line.at, "the percentage of prefetch must end in '%'", text);
        }
        options.prefetch_percent =
            static_cast<std::uint32_t>(read_integer(line, text.substr(0, text.size() - 1), 10, 90));
    }
}

/// At most five minutes, as CoreDNS has it for this and for RECHECK.
nanoseconds read_short_duration(const Directive& line, const std::string& text) {
    const nanoseconds duration = read_duration(line, text);
    if (duration > minutes(5)) {
        fail(line.at, line.name + " allows at most 5m here", text);
    }
    return duration;
}

/// `serve_stale [DURATION [immediate [TTL [RECHECK]] | verify [TIMEOUT [TTL [RECHECK]]]]]`
void read_serve_stale(const Directive& line, CacheTarget& target) {
    static constexpr std::string_view kModes[] = {"immediate", "verify"};
    auto& options = target.config.options;
    options.serve_stale = true;
    const auto& args = line.args;
    if (!args.empty()) {
        options.stale_for = read_bounded(line, args[0]);
    }
    if (args.size() < 2) {
        return;
    }
    options.verify_stale = read_word(line, zones::to_lower(args[1]), kModes) == 1;
    const std::size_t ttl_at = options.verify_stale ? 3 : 2;
    expect_arguments(line, 0, ttl_at + 2);
    if (options.verify_stale && args.size() > 2) {
        options.verify_timeout = read_bounded(line, args[2]);
    }
    if (args.size() > ttl_at) {
        options.stale_ttl = as_ttl(read_duration(line, args[ttl_at]));
    }
    if (args.size() > ttl_at + 1) {
        options.recheck = read_short_duration(line, args[ttl_at + 1]);
    }
}

void read_serve_stale_policy(const Directive& line, CacheTarget& target) {
    static constexpr std::string_view kPolicies[] = {"prefer_positive"};
    expect_arguments(line, 1, 1);
    read_word(line, line.args[0], kPolicies);
    target.serve_stale_policy = &line;
    target.config.options.prefer_positive = true;
}

void read_servfail(const Directive& line, CacheTarget& target) {
    expect_arguments(line, 1, 1);
    target.config.options.ttls.failure = as_ttl(read_short_duration(line, line.args[0]));
}

/// `disable success|denial [ZONES...]`; no zones are all.
void read_disable(const Directive& line, CacheTarget& target) {
    static constexpr std::string_view kStores[] = {"success", "denial"};
    expect_arguments(line, 1, kNoLimit);
    const bool success = read_word(line, line.args[0], kStores) == 0;
    auto zones = read_zones(line.at, {line.args.begin() + 1, line.args.end()});
    if (zones.empty()) {
        zones.emplace_back();
    }
    auto& disabled = success ? target.config.no_success : target.config.no_denial;
    disabled.insert(disabled.end(), zones.begin(), zones.end());
}

void read_keepttl(const Directive& line, CacheTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.options.keep_ttl = true;
}

constexpr Option<CacheTarget> kCacheOptions[] = {
    {"denial", read_denial},           {"disable", read_disable},
    {"keepttl", read_keepttl},         {"prefetch", read_prefetch},
    {"serve_stale", read_serve_stale}, {"serve_stale_policy", read_serve_stale_policy},
    {"servfail", read_servfail},       {"success", read_success},
};

}  // namespace

CacheConfig read_cache(const Directive& directive) {
    CacheTarget target;
    auto zones = directive.args;
    if (!zones.empty() && parse_integer(zones.front())) {
        const std::uint32_t ttl = read_cache_ttl(directive, zones.front(), 1);
        target.config.options.ttls.success.most = ttl;
        target.config.options.ttls.denial.most = ttl;
        zones.erase(zones.begin());
    }
    target.config.zones = read_zones(directive.at, zones);
    read_options<CacheTarget>(directive, kCacheOptions, target);
    if (target.serve_stale_policy != nullptr) {
        if (!target.config.options.serve_stale) {
            fail(target.serve_stale_policy->at, "serve_stale_policy needs serve_stale");
        }
    }
    return target.config;
}

}  // namespace server

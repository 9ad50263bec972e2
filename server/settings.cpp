#include "server/settings.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "server/error_log.h"
#include "server/joined.h"

namespace server {
namespace {

using Lines = std::vector<std::string>;

/// "every name" for the root alone, as for none.
std::string names_text(const std::vector<zones::Name>& names) {
    Lines texts;
    for (const zones::Name& name : names) {
        texts.push_back(name.to_string());
    }
    const bool all = texts.empty() || std::ranges::find(texts, ".") != texts.end();
    return all ? "every name" : fmt::format("{}", fmt::join(texts, " "));
}

std::string url(const Listen& listen, const char* path) {
    const bool v6 = listen.address.find(':') != std::string::npos;
    return fmt::format("http://{}:{}{}", v6 ? "[" + listen.address + "]" : listen.address,
                       listen.port, path);
}

std::string setting_text(const KubernetesConfig& kubernetes) {
    static constexpr const char* kPods[] = {"disabled", "insecure", "verified"};
    const zones::ClusterOptions& options = kubernetes.options;
    Lines parts{fmt::format("pods {}", kPods[static_cast<std::size_t>(options.pods)]),
                fmt::format("ttl {}", options.ttl)};
    if (!options.fallthrough.empty()) {
        parts.push_back("fallthrough for " + names_text(options.fallthrough));
    }
    if (options.endpoint_pod_names) {
        parts.emplace_back("endpoint_pod_names");
    }
    if (options.ignore_empty_service) {
        parts.emplace_back("ignore empty_service");
    }
    parts.push_back(
        fmt::format("ns.dns is {}/{}", options.nameserver_namespace, options.nameserver_service));
    if (kubernetes.manifests.empty()) {
        const ApiConfig& api = kubernetes.api;
        parts.push_back("startup_timeout " + duration_text(kubernetes.startup_timeout));
        parts.push_back(api.resync.count() == 0 ? "no resync"
                                                : "resync " + duration_text(api.resync));
        if (!api.snapshot.empty()) {
            parts.push_back(fmt::format("snapshot {} up to {} old", api.snapshot.string(),
                                        duration_text(api.snapshot_max_age)));
        }
    }
    return "plugin/kubernetes: " + joined(parts, ", ");
}

std::string stale_text(const resolver::CacheOptions& options) {
    return fmt::format("stale answers for {} ({})", duration_text(options.stale_for),
                       options.verify_stale ? "verify" : "immediate");
}

std::string setting_text(const CacheConfig& cache) {
    const resolver::CacheOptions& options = cache.options;
    Lines parts{"for " + names_text(cache.zones),
                fmt::format("{} answers of {} to {} s", options.success_capacity,
                            options.ttls.success.least, options.ttls.success.most),
                fmt::format("{} denials of {} to {} s", options.denial_capacity,
                            options.ttls.denial.least, options.ttls.denial.most),
                fmt::format("failures {} s", options.ttls.failure)};
    if (!cache.no_success.empty()) {
        parts.push_back("no answers for " + names_text(cache.no_success));
    }
    if (!cache.no_denial.empty()) {
        parts.push_back("no denials for " + names_text(cache.no_denial));
    }
    if (options.prefetch_hits > 0) {
        parts.push_back(fmt::format("prefetch after {} hits, in the last {} % of a lifetime",
                                    options.prefetch_hits, options.prefetch_percent));
    }
    if (options.serve_stale) {
        parts.push_back(stale_text(options));
    }
    if (options.keep_ttl) {
        parts.emplace_back("keepttl");
    }
    return "plugin/cache: " + joined(parts, ", ");
}

std::string health_text(const resolver::HealthOptions& health) {
    return health.max_fails == 0
               ? "no health checks"
               : fmt::format("down after {} failed probes, one each {}", health.max_fails + 1,
                             duration_text(health.interval));
}

std::string setting_text(const ForwardConfig& forward) {
    static constexpr const char* kPolicies[] = {"random", "round_robin", "sequential"};
    const resolver::ForwardOptions& options = forward.options;
    Lines parts{std::string("policy ") + kPolicies[static_cast<std::size_t>(options.policy)],
                options.force_tcp    ? "TCP"
                : options.prefer_udp ? "UDP, then TCP"
                                     : "over what the client uses",
                "read_timeout " + duration_text(options.read_timeout), health_text(options.health)};
    if (!forward.except.empty()) {
        parts.push_back("except " + names_text(forward.except));
    }
    if (options.max_concurrent != 0) {
        parts.push_back(fmt::format("max_concurrent {}", options.max_concurrent));
    }
    if (options.failfast) {
        parts.emplace_back("failfast_all_unhealthy_upstreams");
    }
    if (!options.source_address.empty()) {
        parts.push_back("from " + options.source_address);
    }
    return fmt::format("plugin/forward: {}: {}", forward.from.to_string(), joined(parts, ", "));
}

std::string setting_text(const HostsConfig& hosts) {
    const auto lines = std::ranges::count(hosts.inline_lines, '\n');
    return fmt::format(
        "plugin/hosts: {} and {} line{} of the Corefile for {}, ttl {}, {}{}", hosts.file.string(),
        lines, lines == 1 ? "" : "s", names_text(hosts.zones), hosts.ttl,
        hosts.reload.count() == 0 ? "read once" : "looked at every " + duration_text(hosts.reload),
        hosts.has_fallthrough ? "; fallthrough for " + names_text(hosts.fallthrough_zones) : "");
}

std::string setting_text(const LogConfig& log) {
    Lines classes;
    for (const auto& [name, used] :
         {std::pair{"success", log.success}, std::pair{"denial", log.denial},
          std::pair{"error", log.error}}) {
        if (used) {
            classes.emplace_back(name);
        }
    }
    return fmt::format("plugin/log: {}: {}", names_text(log.names), joined(classes, ", "));
}

std::string setting_text(const TemplateConfig& rule) {
    Lines parts{"for " + names_text(rule.zones)};
    if (!rule.patterns.empty()) {
        parts.push_back(fmt::format("that match {}", fmt::join(rule.patterns, " or ")));
    }
    return "plugin/template: " + joined(parts, ", ");
}

std::string setting_text(const RewriteConfig& rule) {
    static constexpr const char* kMatches[] = {"exact", "prefix", "suffix", "substring", "regex"};
    return fmt::format("plugin/rewrite: name {} {} to {}",
                       kMatches[static_cast<std::size_t>(rule.match)], rule.from, rule.to);
}

std::string setting_text(const AclConfig& acl) {
    return fmt::format("plugin/acl: {} rule{} for {}", acl.rules.size(),
                       acl.rules.size() == 1 ? "" : "s", names_text(acl.zones));
}

std::string setting_text(const Budget& budget) {
    return fmt::format("{} a second, {} at once", budget.per_second, budget.burst);
}

std::string setting_text(const RateLimitConfig& limit) {
    static constexpr const char* kOver[] = {"truncated", "refused", "dropped"};
    Lines parts{"queries of a client " + setting_text(limit.queries)};
    if (limit.forwards) {
        parts.push_back("of those to upstreams " + setting_text(*limit.forwards));
    }
    parts.push_back(fmt::format("more is {}", kOver[static_cast<std::size_t>(limit.over)]));
    if (!limit.exempt.empty()) {
        parts.push_back(fmt::format("{} network{} exempt", limit.exempt.size(),
                                    limit.exempt.size() == 1 ? "" : "s"));
    }
    return "plugin/ratelimit: " + joined(parts, ", ");
}

std::string setting_text(const ResponseLimitConfig& limit) {
    static constexpr const char* kKinds[] = {"answers", "nodata", "nxdomain", "referrals",
                                             "errors"};
    Lines parts{"for " + names_text(limit.zones)};
    for (std::size_t kind = 0; kind < kReplyKinds; ++kind) {
        if (limit.replies[kind] > 0) {
            parts.push_back(fmt::format("{} {} a second", kKinds[kind], limit.replies[kind]));
        }
    }
    if (limit.requests > 0) {
        parts.push_back(fmt::format("requests {} a second", limit.requests));
    }
    parts.push_back(fmt::format("to an IPv4 /{} or IPv6 /{}", limit.v4_bits, limit.v6_bits));
    if (limit.slip > 0) {
        parts.push_back(fmt::format("one of {} is truncated instead", limit.slip));
    }
    if (limit.report_only) {
        parts.emplace_back("only counted");
    }
    return "plugin/rrl: " + joined(parts, ", ");
}

template <typename Config>
void add_all(const std::vector<Config>& configs, Lines& lines) {
    for (const Config& config : configs) {
        lines.push_back(setting_text(config));
    }
}

template <typename Config>
void add_one(const std::optional<Config>& config, Lines& lines) {
    if (config) {
        lines.push_back(setting_text(*config));
    }
}

void add_http(const ServerBlock& block, Lines& lines) {
    if (block.health) {
        lines.push_back(fmt::format("plugin/health: {}, lameduck {}",
                                    url(block.health->listen, "/health"),
                                    duration_text(block.health->lameduck)));
    }
    if (block.ready) {
        lines.push_back("plugin/ready: " + url(block.ready->listen, "/ready"));
    }
    if (block.prometheus) {
        lines.push_back("plugin/prometheus: " + url(block.prometheus->listen, "/metrics"));
    }
}

}  // namespace

Lines settings_of(const ServerBlock& block) {
    Lines lines;
    add_all(block.logs, lines);
    add_one(block.rate_limit, lines);
    add_one(block.response_limit, lines);
    add_all(block.rewrites, lines);
    add_all(block.acl, lines);
    add_all(block.templates, lines);
    add_one(block.hosts, lines);
    add_one(block.kubernetes, lines);
    add_one(block.cache, lines);
    add_all(block.forwards, lines);
    if (block.shape) {
        lines.push_back(fmt::format("replies over UDP up to {} octets", block.shape->udp_size));
    }
    add_http(block, lines);
    return lines;
}

std::string status_text(const StatusConfig& status) {
    return "plugin/status: " + url(status.listen, "/");
}

std::string reload_text(const std::optional<ReloadConfig>& reload) {
    return reload ? fmt::format("plugin/reload: every {}, give or take {}",
                                duration_text(reload->interval), duration_text(reload->jitter / 2))
                  : "plugin/reload: off; SIGUSR1 loads the Corefile again";
}

}  // namespace server

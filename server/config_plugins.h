// The readers of single plugins: from one directive to values.
// Each knows its own options only; what plugins mean together is load_config()'s. The check_
// functions are for plugins that do nothing yet: they refuse what CoreDNS would refuse.
// Free functions; start-up and reload only. All throw ConfigError.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "server/config.h"
#include "server/corefile.h"

namespace server {

/// `block_zones` are what the directive stands for if it names no zones.
KubernetesConfig read_kubernetes(const Directive& directive,
                                 const std::vector<zones::Name>& block_zones,
                                 const std::filesystem::path& folder,
                                 std::vector<std::string>& notices);

ForwardConfig read_forward(const Directive& directive, const std::filesystem::path& folder,
                           std::vector<std::string>& notices);

CacheConfig read_cache(const Directive& directive);

/// `block_zones` as above.
HostsConfig read_hosts(const Directive& directive, const std::vector<zones::Name>& block_zones,
                       const std::filesystem::path& folder);

/// `block_zones` as above.
TemplateConfig read_template(const Directive& directive,
                             const std::vector<zones::Name>& block_zones);

RewriteConfig read_rewrite(const Directive& directive);

AclConfig read_acl(const Directive& directive);

RateLimitConfig read_ratelimit(const Directive& directive);
ResponseLimitConfig read_rrl(const Directive& directive);

LogConfig read_log(const Directive& directive);

ErrorsConfig read_errors(const Directive& directive);

/// A second `health` of a block adds to the first, `so_far`.
HealthConfig read_health(const Directive& directive, HealthConfig so_far = {});

ReadyConfig read_ready(const Directive& directive);

PrometheusConfig read_prometheus(const Directive& directive);

StatusConfig read_status(const Directive& directive);
/// Not on a loopback address alone.
bool is_open_to_others(const StatusConfig& status);
/// `status` stands at `at`. Throws if another plugin listens for HTTP on its address.
void check_status_address(const Config& config, const Position& at);

ReloadConfig read_reload(const Directive& directive);

ChaosConfig read_chaos(const Directive& directive);
LocalConfig read_local(const Directive& directive);

/// Whether replies say why (RFC 8914).
bool read_ede(const Directive& directive);
/// The most octets of a reply over UDP.
std::size_t read_bufsize(const Directive& directive);
/// Adds to the rules that are there.
void read_header(const Directive& directive, ReplyShape& shape);
std::string read_nsid(const Directive& directive);

TimeoutsConfig read_timeouts(const Directive& directive);

/// What this machine, or pod, calls itself; `localhost` if it has no name.
std::string host_name();

/// Addresses in canonical spelling, without duplicates.
std::vector<std::string> read_bind(const Directive& directive);

/// 0 if the machine is to decide.
unsigned read_multisocket(const Directive& directive);

/// No arguments, no block.
void check_bare(const Directive& directive);
void check_cancel(const Directive& directive);
void check_metadata(const Directive& directive);
void check_pprof(const Directive& directive);
void check_loadbalance(const Directive& directive);
void check_loop(const Directive& directive);

}  // namespace server

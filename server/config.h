// What a Corefile says, as values: the whole configuration of the process.
// Made by load_config() at start (and later at reload), immutable after; every thread reads it.
// Knows no sockets and no files but the Corefile's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/label_selector.h"
#include "resolver/answer_cache.h"
#include "resolver/forward.h"
#include "server/acl.h"
#include "server/config_error.h"
#include "server/error_log.h"
#include "server/fixed_answers.h"
#include "server/hosts.h"
#include "server/log_format.h"
#include "server/rate_limit.h"
#include "server/reply_shape.h"
#include "server/response_limit.h"
#include "server/rewrites.h"
#include "server/templates.h"
#include "zones/cluster_options.h"
#include "zones/name.h"

namespace server {

/// How the API server is found and asked; api_config.h makes access of it. Paths are absolute.
struct ApiConfig {
    std::string endpoint;               // a URL; empty: by kubeconfig, or as a pod
    std::filesystem::path certificate;  // `tls CERT KEY CACERT`, all or none; only with endpoint
    std::filesystem::path key;
    std::filesystem::path ca;
    std::filesystem::path kubeconfig;                         // wins over the endpoint
    std::string context;                                      // empty: the kubeconfig's own
    double qps = 5;                                           // requests a second, as a mean
    std::int64_t burst = 10;                                  // requests at once
    std::int64_t max_inflight = 0;                            // requests under way; 0: no limit
    std::chrono::milliseconds resync{std::chrono::hours(1)};  // 0: off
    std::filesystem::path snapshot;                           // empty: none
    std::chrono::milliseconds snapshot_max_age{std::chrono::hours(24)};
};

struct KubernetesConfig {
    zones::ClusterOptions options;
    k8s_client::LabelSelector labels;              // matches everything if not given
    k8s_client::LabelSelector namespace_labels;    // matches everything if not given
    std::vector<std::filesystem::path> manifests;  // absolute; none: objects come from the API
    ApiConfig api;
    std::chrono::milliseconds startup_timeout{5000};
    std::string written;  // what decides on the objects and answers, as one text
};

struct ForwardConfig {
    zones::Name from;
    std::vector<zones::Name> except;
    resolver::RcodeSet next = 0;  // such a reply: the block's next `forward` line is asked
    bool next_on_nodata = false;
    resolver::ForwardOptions options;
};

struct CacheConfig {
    std::vector<zones::Name> zones;                  // empty: every name of the block
    std::vector<zones::Name> no_success, no_denial;  // what is not to be kept (`disable`)
    resolver::CacheOptions options;
    std::string written;  // what decides on its content, as one text
};

/// `log [NAMES...] [FORMAT] { class ... }`
struct LogConfig {
    std::vector<zones::Name> names;  // the root if none were given
    bool success = true, denial = true, error = true;
    LogFormat format;
};

/// `timeouts`: of connections; what is not given stays as it is by default.
struct TimeoutsConfig {
    std::optional<std::chrono::milliseconds> read, write, idle;
    std::size_t queries = 0;  // of one connection; 0: not given
};

/// One (zone, port) of a server block, and where it listens.
struct Listen {
    std::string address;  // text without brackets; empty: every address (0.0.0.0 and [::])
    std::uint16_t port = 53;
    bool of_every_address = false;  // one of those that an empty address was replaced by
    bool operator==(const Listen& other) const {
        return address == other.address && port == other.port;
    }
};

/// `health [ADDR] { lameduck DURATION }`. The ADDR of all three that listen for HTTP is an address
/// by now, whatever name it had.
struct HealthConfig {
    Listen listen{"", 8080};
    std::chrono::nanoseconds lameduck{0};  // to go on serving after SIGTERM
};

/// `ready [ADDR] { monitor until-ready | continuously }`
struct ReadyConfig {
    Listen listen{"", 8181};
    bool continuously = false;  // asked on also when all has been ready once
};

/// `prometheus [ADDR] { runtime_metrics }`
struct PrometheusConfig {
    Listen listen{"127.0.0.1", 9153};
};

/// `status [ADDR]`: there is one of the process.
struct StatusConfig {
    Listen listen{"127.0.0.1", 8182};
    std::string host;  // the ADDR's as written: also a name that it may be asked by
};

struct ZoneKey {
    zones::Name zone;  // lower case
    std::vector<Listen> listens;
};

struct ServerBlock {
    std::vector<ZoneKey> keys;
    std::optional<ErrorsConfig> errors;
    bool loadbalance = false;
    std::vector<LogConfig> logs;
    std::optional<KubernetesConfig> kubernetes;
    std::vector<ForwardConfig> forwards;  // in the Corefile's order
    std::optional<CacheConfig> cache;
    std::optional<RateLimitConfig> rate_limit;
    std::optional<ResponseLimitConfig> response_limit;
    std::vector<AclConfig> acl;
    std::vector<RewriteConfig> rewrites;
    std::vector<TemplateConfig> templates;
    std::optional<HostsConfig> hosts;
    bool loop = false;
    std::optional<FixedAnswers> fixed;  // `any`, `chaos`, `local`
    std::optional<ReplyShape> shape;    // `bufsize`, `header`, `minimal`, `nsid`
    bool whoami = false;
    bool extended_errors = true;  // say why, to clients that sent EDNS: `ede off`
    std::optional<TimeoutsConfig> timeouts;
    std::optional<HealthConfig> health;
    std::optional<ReadyConfig> ready;
    std::optional<PrometheusConfig> prometheus;
    std::vector<std::string_view> plugins;  // those that see queries, each once
    bool empty = false;                     // no plugin that sees queries: every query is REFUSED
};

/// `reload [INTERVAL [JITTER]]`
struct ReloadConfig {
    std::chrono::nanoseconds interval{std::chrono::seconds(30)};
    std::chrono::nanoseconds jitter{std::chrono::seconds(15)};
};

struct Config {
    std::vector<ServerBlock> blocks;
    unsigned workers = 0;                // 0: as many as fit the machine
    std::optional<ReloadConfig> reload;  // none: only by SIGUSR1
    std::optional<StatusConfig> status;  // none: off
    std::string hash;                    // SHA-512 of what was read, in hex
    std::vector<std::string> notices;    // for the operator, once, at start
};

struct LoadOptions {
    std::string text;                    // the Corefile's content
    std::string file;                    // how messages name it
    std::filesystem::path folder = ".";  // what relative paths and imports start from
    std::uint16_t default_port = 53;     // -dns.port
};

/// Throws ConfigError.
Config load_config(const LoadOptions& options);

/// What load_config() would have as `hash`: the same for files that differ in comments, white space
/// or in how they are cut into imports. Throws ConfigError if the file cannot be parsed.
std::string hash_of(const LoadOptions& options);

/// The plugins that a Corefile may have, sorted.
std::vector<std::string_view> plugin_names();

}  // namespace server

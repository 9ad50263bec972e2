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
#include "server/hosts.h"
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
};

/// `log [NAMES...] [FORMAT] { class ... }`; only the common format so far.
struct LogConfig {
    std::vector<zones::Name> names;  // the root if none were given
    bool success = true, denial = true, error = true;
};

/// One (zone, port) of a server block, and where it listens.
struct Listen {
    std::string address;  // text without brackets; empty: every address (0.0.0.0 and [::])
    std::uint16_t port = 53;
    bool operator==(const Listen&) const = default;
};

struct ZoneKey {
    zones::Name zone;  // lower case
    std::vector<Listen> listens;
};

struct ServerBlock {
    std::vector<ZoneKey> keys;
    bool errors = false;
    bool loadbalance = false;
    std::vector<LogConfig> logs;
    std::optional<KubernetesConfig> kubernetes;
    std::vector<ForwardConfig> forwards;  // in the Corefile's order
    std::optional<CacheConfig> cache;
    std::vector<AclConfig> acl;
    std::vector<RewriteConfig> rewrites;
    std::vector<TemplateConfig> templates;
    std::optional<HostsConfig> hosts;
    bool loop = false;
    bool empty = false;  // no plugin that sees queries: every query is REFUSED
};

struct Config {
    std::vector<ServerBlock> blocks;
    unsigned workers = 0;              // 0: as many as fit the machine
    std::vector<std::string> notices;  // for the operator, once, at start
};

struct LoadOptions {
    std::string text;                    // the Corefile's content
    std::string file;                    // how messages name it
    std::filesystem::path folder = ".";  // what relative paths and imports start from
    std::uint16_t default_port = 53;     // -dns.port
};

/// Throws ConfigError.
Config load_config(const LoadOptions& options);

/// The plugins that a Corefile may have, sorted.
std::vector<std::string_view> plugin_names();

}  // namespace server

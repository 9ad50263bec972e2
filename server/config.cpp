#include "server/config.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "server/config_listen.h"
#include "server/config_plugins.h"
#include "server/config_text.h"
#include "server/config_values.h"
#include "server/config_zones.h"
#include "server/corefile.h"
#include "server/joined.h"

namespace server {
namespace {

/// One server block while its directives are read.
struct BlockLoad {
    const std::filesystem::path& folder;
    Config& config;
    std::set<std::string>& inactive;
    std::optional<Position>& status_at;
    ServerBlock block;
    std::vector<zones::Name> zones;
    std::vector<std::string> addresses;
    std::set<std::string_view> seen;
    bool seen_before = false;  // the plugin in hand, in this block
};

void load_acl(const Directive& directive, BlockLoad& load) {
    load.block.acl.push_back(read_acl(directive));
}

void load_bind(const Directive& directive, BlockLoad& load) {
    for (std::string& address : read_bind(directive)) {
        if (std::find(load.addresses.begin(), load.addresses.end(), address) ==
            load.addresses.end()) {
            load.addresses.push_back(std::move(address));
        }
    }
}

void load_cache(const Directive& directive, BlockLoad& load) {
    load.block.cache = read_cache(directive);
}

void load_ede(const Directive& directive, BlockLoad& load) {
    load.block.extended_errors = read_ede(directive);
}

void load_errors(const Directive& directive, BlockLoad& load) {
    load.block.errors = read_errors(directive);
}

void load_forward(const Directive& directive, BlockLoad& load) {
    load.block.forwards.push_back(read_forward(directive, load.folder, load.config.notices));
}

void load_health(const Directive& directive, BlockLoad& load) {
    load.block.health = read_health(directive, load.block.health.value_or(HealthConfig{}));
}

void load_hosts(const Directive& directive, BlockLoad& load) {
    load.block.hosts = read_hosts(directive, load.zones, load.folder);
}

void load_kubernetes(const Directive& directive, BlockLoad& load) {
    load.block.kubernetes =
        read_kubernetes(directive, load.zones, load.folder, load.config.notices);
}

void load_loadbalance(const Directive& directive, BlockLoad& load) {
    check_loadbalance(directive);
    load.block.loadbalance = true;
}

void load_log(const Directive& directive, BlockLoad& load) {
    load.block.logs.push_back(read_log(directive));
}

void load_loop(const Directive& directive, BlockLoad& load) {
    check_loop(directive);
    load.block.loop = true;
}

void load_prometheus(const Directive& directive, BlockLoad& load) {
    load.block.prometheus = read_prometheus(directive);
}

void load_ratelimit(const Directive& directive, BlockLoad& load) {
    load.block.rate_limit = read_ratelimit(directive);
}

void load_ready(const Directive& directive, BlockLoad& load) {
    load.block.ready = read_ready(directive);
}

/// One process has one Corefile: the last `reload` decides, as with CoreDNS.
void load_reload(const Directive& directive, BlockLoad& load) {
    load.config.reload = read_reload(directive);
}

void load_rewrite(const Directive& directive, BlockLoad& load) {
    load.block.rewrites.push_back(read_rewrite(directive));
}

void load_rrl(const Directive& directive, BlockLoad& load) {
    load.block.response_limit = read_rrl(directive);
}

/// One process has one such address: another block may say the same again.
void load_status(const Directive& directive, BlockLoad& load) {
    StatusConfig status = read_status(directive);
    if (load.config.status && load.config.status->listen != status.listen) {
        fail(directive.at, "the process has one status address, and another block names another",
             text_of(directive));
    }
    load.config.status = std::move(status);
    load.status_at = directive.at;
}

void load_template(const Directive& directive, BlockLoad& load) {
    load.block.templates.push_back(read_template(directive, load.zones));
}

/// There is one set of workers: the block that asks for most decides.
void load_multisocket(const Directive& directive, BlockLoad& load) {
    load.config.workers = std::max(load.config.workers, read_multisocket(directive));
}

FixedAnswers& fixed_of(BlockLoad& load) {
    return load.block.fixed ? *load.block.fixed : load.block.fixed.emplace();
}

ReplyShape& reply_shape_of(BlockLoad& load) {
    return load.block.shape ? *load.block.shape : load.block.shape.emplace();
}

void load_any(const Directive& directive, BlockLoad& load) {
    check_bare(directive);
    fixed_of(load).any = true;
}

/// As with CoreDNS the first decides, here and where the sizes of `bufsize` differ.
void load_chaos(const Directive& directive, BlockLoad& load) {
    ChaosConfig chaos = read_chaos(directive);
    if (!load.seen_before) {
        fixed_of(load).chaos = std::move(chaos);
    }
}

void load_bufsize(const Directive& directive, BlockLoad& load) {
    const std::size_t size = read_bufsize(directive);
    if (!load.seen_before) {
        reply_shape_of(load).udp_size = size;
    }
}

void load_header(const Directive& directive, BlockLoad& load) {
    read_header(directive, reply_shape_of(load));
}

void load_local(const Directive& directive, BlockLoad& load) {
    fixed_of(load).local = read_local(directive);
}

void load_minimal(const Directive& directive, BlockLoad& load) {
    check_bare(directive);
    reply_shape_of(load).minimal = true;
}

void load_nsid(const Directive& directive, BlockLoad& load) {
    reply_shape_of(load).server_id = read_nsid(directive);
}

void load_timeouts(const Directive& directive, BlockLoad& load) {
    load.block.timeouts = read_timeouts(directive);
}

void load_whoami(const Directive& directive, BlockLoad& load) {
    check_bare(directive);
    load.block.whoami = true;
}

template <void (*Check)(const Directive&)>
void load_inactive(const Directive& directive, BlockLoad& load) {
    Check(directive);
    load.inactive.insert(directive.name);
}

struct Plugin {
    std::string_view name;
    void (*load)(const Directive&, BlockLoad&);
    bool repeatable;
    bool sees_queries;  // a block without any such plugin refuses every query
};

constexpr Plugin kPlugins[] = {
    {"acl", load_acl, true, true},
    {"any", load_any, true, true},
    {"bind", load_bind, true, false},
    {"bufsize", load_bufsize, true, true},
    {"cache", load_cache, false, true},
    {"cancel", load_inactive<check_cancel>, true, true},
    {"chaos", load_chaos, true, true},
    {"debug", load_inactive<check_bare>, true, false},
    {"ede", load_ede, false, false},
    {"errors", load_errors, false, true},
    {"forward", load_forward, true, true},
    {"header", load_header, true, true},
    {"health", load_health, true, false},
    {"hosts", load_hosts, false, true},
    {"kubernetes", load_kubernetes, false, true},
    {"loadbalance", load_loadbalance, true, true},
    {"local", load_local, true, true},
    {"log", load_log, true, true},
    {"loop", load_loop, false, true},
    {"metadata", load_inactive<check_metadata>, false, true},
    {"minimal", load_minimal, true, true},
    {"multisocket", load_multisocket, false, false},
    {"nsid", load_nsid, false, true},
    {"pprof", load_inactive<check_pprof>, false, false},
    {"prometheus", load_prometheus, false, true},
    {"ratelimit", load_ratelimit, false, true},
    {"ready", load_ready, false, false},
    {"reload", load_reload, true, false},
    {"rewrite", load_rewrite, true, true},
    {"rrl", load_rrl, false, true},
    {"status", load_status, false, false},
    {"template", load_template, true, true},
    {"timeouts", load_timeouts, true, false},
    {"whoami", load_whoami, true, true},
};

/// The rest of what CoreDNS 1.14 is built with.
constexpr std::string_view kCorednsOnly[] = {
    "auto",        "autopath", "azure",  "clouddns",     "dns64",     "dnssec",
    "dnstap",      "erratic",  "etcd",   "file",         "geoip",     "grpc",
    "grpc_server", "https",    "https3", "k8s_external", "nomad",     "on",
    "proxyproto",  "quic",     "root",   "route53",      "secondary", "shed",
    "sign",        "tls",      "trace",  "transfer",     "tsig",      "view"};

const Plugin& find_plugin(const Directive& directive) {
    const auto* const plugin =
        std::find_if(std::begin(kPlugins), std::end(kPlugins),
                     [&](const Plugin& candidate) { return candidate.name == directive.name; });
    if (plugin != std::end(kPlugins)) {
        return *plugin;
    }
    const bool exists = std::find(std::begin(kCorednsOnly), std::end(kCorednsOnly),
                                  directive.name) != std::end(kCorednsOnly);
    fail(directive.at, exists ? "plugin not supported in this version" : "unknown plugin",
         directive.name, plugin_names());
}

void load_directive(const Directive& directive, BlockLoad& load) {
    const Plugin& plugin = find_plugin(directive);
    load.seen_before = !load.seen.insert(plugin.name).second;
    if (load.seen_before && !plugin.repeatable) {
        fail(directive.at, "this plugin can only be used once per Server Block", directive.name);
    }
    plugin.load(directive, load);
    load.block.empty = load.block.empty && !plugin.sees_queries;
    if (plugin.sees_queries && !load.seen_before) {
        load.block.plugins.push_back(plugin.name);
    }
}

void add_keys(const CorefileBlock& source, const LoadOptions& options, ListenRegister& listens,
              BlockLoad& load) {
    if (load.addresses.empty()) {
        load.addresses.emplace_back();
    }
    for (const Key& text : source.keys) {
        const KeyZones key = read_key(text.at, text.text);
        for (const zones::Name& zone : key.zones) {
            ZoneKey zone_key{zone, {}};
            for (const std::string& address : load.addresses) {
                const Listen listen{address, key.port.value_or(options.default_port)};
                listens.add(text.at, zone, listen);
                zone_key.listens.push_back(listen);
            }
            load.block.keys.push_back(std::move(zone_key));
        }
    }
}

void note_what_is_written(const CorefileBlock& source, ServerBlock& block) {
    static constexpr std::string_view kForObjects[] = {"kubernetes"};
    static constexpr std::string_view kForCached[] = {"cache", "forward"};
    if (block.kubernetes) {
        block.kubernetes->written = written_as(source, kForObjects);
    }
    if (block.cache) {
        block.cache->written = written_as(source, kForCached);
    }
}

void note_open_status(Config& config) {
    if (is_open_to_others(*config.status)) {
        config.notices.emplace_back(
            "plugin/status: who reaches its address reads which client asks for which name");
    }
}

}  // namespace

Config load_config(const LoadOptions& options) {
    const Corefile corefile = parse_corefile(options.text, options.file, options.folder);
    if (corefile.blocks.empty()) {
        throw ConfigError(options.file + ": no server block in this file");
    }
    Config config;
    config.notices = corefile.notices;
    config.hash = hash_of(corefile);
    std::set<std::string> inactive;
    std::optional<Position> status_at;
    ListenRegister listens;
    for (const CorefileBlock& source : corefile.blocks) {
        BlockLoad load{options.folder, config, inactive, status_at, {}, {}, {}, {}};
        load.block.empty = true;
        for (const Key& key : source.keys) {
            const auto zones = read_zones(key.at, key.text);
            load.zones.insert(load.zones.end(), zones.begin(), zones.end());
        }
        for (const Directive& directive : source.directives) {
            load_directive(directive, load);
        }
        add_keys(source, options, listens, load);
        note_what_is_written(source, load.block);
        config.blocks.push_back(std::move(load.block));
    }
    if (status_at) {
        check_status_address(config, *status_at);
        note_open_status(config);
    }
    if (!inactive.empty()) {
        config.notices.push_back("accepted, and without effect here: " + joined(inactive, ", "));
    }
    return config;
}

std::string hash_of(const LoadOptions& options) {
    return hash_of(parse_corefile(options.text, options.file, options.folder));
}

std::vector<std::string_view> plugin_names() {
    std::vector<std::string_view> names;
    for (const Plugin& plugin : kPlugins) {
        names.push_back(plugin.name);
    }
    return names;
}

}  // namespace server

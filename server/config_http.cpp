#include <algorithm>
#include <array>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "server/config_options.h"
#include "server/config_plugins.h"

// The plugins that listen for HTTP: health, ready, prometheus and status.

namespace server {
namespace {

/// What a host name stands for now; IPv4 first, as Go's net.Listen() has it.
std::string address_of_host(const Directive& line, const std::string& host) {
    if (host == "localhost") {
        return "127.0.0.1";
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
        fail(line.at, "no address for this name of a host: " + std::string(::gai_strerror(error)),
             host);
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
    const addrinfo* chosen = list;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET) {
            chosen = entry;
            break;
        }
    }
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(chosen->ai_addr, chosen->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        fail(line.at, "no address for this name of a host", host);
    }
    return text.data();
}

/// As with Go, "0.0.0.0" and "[::]" are every address of both families, like no address.
Listen read_http_listen(const Directive& line, const std::string& text) {
    auto [host, port] = read_host_port(line, text);
    const std::size_t percent = std::min(host.find('%'), host.size());
    std::string address = parse_address(host.substr(0, percent)).value_or("");
    if (address == "0.0.0.0" || address == "::") {
        address.clear();
    } else if (!address.empty()) {
        address += host.substr(percent);  // fe80::1%eth0
    } else if (!host.empty()) {
        address = address_of_host(line, host);
    }
    return {std::move(address), port};
}

/// `NAME [ADDR] { OPTIONS }`
template <typename Config>
void read_http(const Directive& directive, std::span<const Option<Config>> options,
               Config& config) {
    expect_arguments(directive, 0, 1);
    if (!directive.args.empty()) {
        config.listen = read_http_listen(directive, directive.args[0]);
    }
    read_options<Config>(directive, options, config);
}

void read_lameduck(const Directive& line, HealthConfig& config) {
    expect_arguments(line, 1, 1);
    config.lameduck = read_duration(line, line.args[0]);
}

void read_monitor(const Directive& line, ReadyConfig& config) {
    static constexpr std::string_view kModes[] = {"until-ready", "continuously"};
    expect_arguments(line, 1, 1);
    config.continuously = read_word(line, line.args[0], kModes) == 1;
}

/// Go's own metrics in CoreDNS; there is no such runtime here.
void read_runtime_metrics(const Directive& line, PrometheusConfig& /*config*/) {
    expect_arguments(line, 0, 0);
}

constexpr Option<HealthConfig> kHealthOptions[] = {{"lameduck", read_lameduck}};
constexpr Option<ReadyConfig> kReadyOptions[] = {{"monitor", read_monitor}};
constexpr Option<PrometheusConfig> kPrometheusOptions[] = {
    {"runtime_metrics", read_runtime_metrics}, {"tls", refuse_option<PrometheusConfig>}};

bool is_loopback(const std::string& address) {
    return address.starts_with("127.") || address == "::1";
}

/// Whether one socket has both, or takes what the other one would get.
bool http_listens_overlap(const Listen& one, const Listen& other) {
    return one.port == other.port && one.port != 0 &&
           (one.address == other.address || one.address.empty() || other.address.empty());
}

void refuse_overlap(const Position& at, const StatusConfig& status, const Listen* other,
                    std::string_view plugin) {
    if (other != nullptr && http_listens_overlap(status.listen, *other)) {
        fail(at,
             "status needs an address of its own; " + std::string(plugin) + " listens on its port",
             std::to_string(other->port));
    }
}

}  // namespace

HealthConfig read_health(const Directive& directive, HealthConfig so_far) {
    read_http<HealthConfig>(directive, kHealthOptions, so_far);
    return so_far;
}

ReadyConfig read_ready(const Directive& directive) {
    ReadyConfig config;
    read_http<ReadyConfig>(directive, kReadyOptions, config);
    return config;
}

PrometheusConfig read_prometheus(const Directive& directive) {
    PrometheusConfig config;
    read_http<PrometheusConfig>(directive, kPrometheusOptions, config);
    return config;
}

StatusConfig read_status(const Directive& directive) {
    StatusConfig config;
    expect_arguments(directive, 0, 1);
    expect_no_block(directive);
    if (!directive.args.empty()) {
        config.listen = read_http_listen(directive, directive.args[0]);
        config.host = read_host_port(directive, directive.args[0]).host;
    }
    return config;
}

void check_status_address(const Config& config, const Position& at) {
    const auto listen_of = [](const auto& plugin) { return plugin ? &plugin->listen : nullptr; };
    for (const ServerBlock& block : config.blocks) {
        refuse_overlap(at, *config.status, listen_of(block.health), "health");
        refuse_overlap(at, *config.status, listen_of(block.ready), "ready");
        refuse_overlap(at, *config.status, listen_of(block.prometheus), "prometheus");
    }
}

bool is_open_to_others(const StatusConfig& status) {
    return !is_loopback(status.listen.address);
}

}  // namespace server

#include <algorithm>
#include <charconv>
#include <cmath>

#include "k8s_client/api_access.h"
#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"
#include "server/joined.h"

namespace server {
namespace {

constexpr std::size_t kHostmasterSize = 11;  // the label that a zone's SOA record puts in front

constexpr std::int64_t kMaxKubernetesTtl = 3600;
constexpr std::chrono::seconds kLeastResync{1};

/// What the options fill in, and what is only known when all have been read.
struct KubernetesTarget {
    KubernetesConfig config;
    std::filesystem::path folder;
    std::vector<std::string>& notices;
    bool has_namespace_labels = false;
    std::string api_option{};  // the first that has no meaning beside manifests
};

/// Absolute, so that it does not matter where the process runs.
std::filesystem::path read_path(const KubernetesTarget& target, const std::string& text) {
    return std::filesystem::absolute(target.folder / text).lexically_normal();
}

void note_api_option(const Directive& line, KubernetesTarget& target) {
    if (target.api_option.empty()) {
        target.api_option = line.name;
    }
}

void notice(const Position& at, const std::string& text, KubernetesTarget& target) {
    target.notices.push_back(at.file + ":" + std::to_string(at.line) + ": " + text);
}

k8s_client::LabelSelector read_selector(const Directive& line) {
    expect_arguments(line, 1, kNoLimit);
    auto selector = k8s_client::LabelSelector::parse(joined(line.args, " "));
    if (!selector) {
        fail(line.at, "not a label selector (" + selector.error() + ")", joined(line.args, " "));
    }
    return std::move(*selector);
}

void read_namespaces(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, kNoLimit);
    auto& namespaces = target.config.options.namespaces;
    namespaces.insert(namespaces.end(), line.args.begin(), line.args.end());
}

void read_namespace_labels(const Directive& line, KubernetesTarget& target) {
    target.config.namespace_labels = read_selector(line);
    target.has_namespace_labels = true;
}

void read_service_labels(const Directive& line, KubernetesTarget& target) {
    target.config.labels = read_selector(line);
}

void read_pods(const Directive& line, KubernetesTarget& target) {
    static constexpr std::string_view kModes[] = {"disabled", "insecure", "verified"};
    static constexpr zones::PodMode kValues[] = {zones::PodMode::Disabled, zones::PodMode::Insecure,
                                                 zones::PodMode::Verified};
    expect_arguments(line, 1, 1);
    target.config.options.pods = kValues[read_word(line, line.args[0], kModes)];
}

void read_endpoint_pod_names(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.options.endpoint_pod_names = true;
}

void read_cluster_ttl(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 1);
    target.config.options.ttl =
        static_cast<std::uint32_t>(read_integer(line, line.args[0], 0, kMaxKubernetesTtl));
}

void read_noendpoints(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.options.no_endpoints = true;
}

void read_cluster_fallthrough(const Directive& line, KubernetesTarget& target) {
    auto& zones = target.config.options.fallthrough;
    zones = line.args.empty() ? std::vector<zones::Name>(1) : read_zones(line.at, line.args);
}

/// CoreDNS takes `ignore` without a word, and does nothing.
void read_ignore(const Directive& line, KubernetesTarget& target) {
    static constexpr std::string_view kWords[] = {"empty_service"};
    expect_arguments(line, 0, 1);
    if (!line.args.empty()) {
        read_word(line, line.args[0], kWords);
        target.config.options.ignore_empty_service = true;
    }
}

void read_startup_timeout(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 1);
    target.config.startup_timeout =
        std::chrono::ceil<std::chrono::milliseconds>(read_duration(line, line.args[0]));
}

void read_qps(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 1);
    const std::string& text = line.args[0];
    double value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) ||
        !std::isfinite(value)) {
        fail(line.at, line.name + " needs a number that is not negative", text);
    }
    target.config.api.qps = value == 0 ? ApiConfig().qps : value;
}

/// 0 is the default, as in CoreDNS.
template <std::int64_t ApiConfig::*Field>
void read_api_count(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 1);
    const std::int64_t value = read_integer(line, line.args[0], 0, kMaxInt);
    target.config.api.*Field = value == 0 ? ApiConfig().*Field : value;
}

void read_endpoint(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, kNoLimit);
    note_api_option(line, target);
    try {
        k8s_client::access_to(line.args[0]);
    } catch (const k8s_client::AccessError& error) {
        fail(line.at, error.what());
    }
    if (line.args.size() > 1) {
        notice(line.at, "endpoint takes only the first of several URLs: " + line.args[0], target);
    }
    target.config.api.endpoint = line.args[0];
}

void read_tls(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 3, 3);
    note_api_option(line, target);
    target.config.api.certificate = read_path(target, line.args[0]);
    target.config.api.key = read_path(target, line.args[1]);
    target.config.api.ca = read_path(target, line.args[2]);
}

void read_kubeconfig(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 2);
    note_api_option(line, target);
    target.config.api.kubeconfig = read_path(target, line.args[0]);
    target.config.api.context = line.args.size() > 1 ? line.args[1] : "";
}

std::chrono::milliseconds read_milliseconds(const Directive& line) {
    expect_arguments(line, 1, 1);
    return std::chrono::ceil<std::chrono::milliseconds>(read_duration(line, line.args[0]));
}

void read_resync(const Directive& line, KubernetesTarget& target) {
    note_api_option(line, target);
    const auto interval = read_milliseconds(line);
    if (interval != interval.zero() && interval < kLeastResync) {
        fail(line.at, "resync must be 0 (off) or at least 1s", line.args[0]);
    }
    target.config.api.resync = interval;
}

void read_snapshot(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 1);
    note_api_option(line, target);
    target.config.api.snapshot = read_path(target, line.args[0]);
}

void read_snapshot_max_age(const Directive& line, KubernetesTarget& target) {
    note_api_option(line, target);
    target.config.api.snapshot_max_age = read_milliseconds(line);
    if (target.config.api.snapshot_max_age == std::chrono::milliseconds::zero()) {
        fail(line.at, "snapshot_max_age must be more than 0", line.args[0]);
    }
}

void read_manifests(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, kNoLimit);
    for (const std::string& path : line.args) {
        target.config.manifests.push_back(read_path(target, path));
    }
}

void read_nameserver(const Directive& line, KubernetesTarget& target) {
    expect_arguments(line, 1, 1);
    const std::string_view text = line.args[0];
    const std::size_t slash = text.find('/');
    const auto space = text.substr(0, slash);
    const auto service = slash == text.npos ? std::string_view() : text.substr(slash + 1);
    if (!zones::is_host_label(space) || !zones::is_host_label(service)) {
        fail(line.at, "nameserver needs NAMESPACE/SERVICE", text);
    }
    target.config.options.nameserver_namespace = space;
    target.config.options.nameserver_service = service;
}

constexpr Option<KubernetesTarget> kKubernetesOptions[] = {
    {"apiserver_burst", read_api_count<&ApiConfig::burst>},
    {"apiserver_max_inflight", read_api_count<&ApiConfig::max_inflight>},
    {"apiserver_qps", read_qps},
    {"endpoint", read_endpoint},
    {"endpoint_pod_names", read_endpoint_pod_names},
    {"fallthrough", read_cluster_fallthrough},
    {"ignore", read_ignore},
    {"kubeconfig", read_kubeconfig},
    {"labels", read_service_labels},
    {"manifests", read_manifests},
    {"multicluster", refuse_option<KubernetesTarget>},
    {"nameserver", read_nameserver},
    {"namespace_labels", read_namespace_labels},
    {"namespaces", read_namespaces},
    {"noendpoints", read_noendpoints},
    {"pods", read_pods},
    {"resync", read_resync},
    {"snapshot", read_snapshot},
    {"snapshot_max_age", read_snapshot_max_age},
    {"startup_timeout", read_startup_timeout},
    {"tls", read_tls},
    {"ttl", read_cluster_ttl},
    {"zonal", refuse_option<KubernetesTarget>},
};

/// What options mean together.
void check_sources(const Directive& directive, KubernetesTarget& target) {
    const ApiConfig& api = target.config.api;
    if (!target.config.manifests.empty() && !target.api_option.empty()) {
        fail(directive.at, "manifests and " + target.api_option +
                               " cannot both be set: objects come from files or from the API");
    }
    if (!api.kubeconfig.empty() && (!api.endpoint.empty() || !api.ca.empty())) {
        notice(directive.at, "endpoint and tls are ignored: kubeconfig wins over them", target);
    } else if (api.endpoint.empty() && !api.ca.empty()) {
        notice(directive.at, "tls is ignored: it belongs to an endpoint", target);
    }
}

}  // namespace

KubernetesConfig read_kubernetes(const Directive& directive,
                                 const std::vector<zones::Name>& block_zones,
                                 const std::filesystem::path& folder,
                                 std::vector<std::string>& notices) {
    KubernetesTarget target{{}, folder, notices};
    auto& zones = target.config.options.zones;
    zones = directive.args.empty() ? block_zones : read_zones(directive.at, directive.args);
    for (const zones::Name& zone : zones) {
        if (zone.size() + kHostmasterSize > zones::kMaxNameLength) {
            fail(directive.at, "no room for hostmaster." + zone.to_string() + ": zone too long");
        }
    }
    if (std::all_of(zones.begin(), zones.end(), is_reverse)) {
        fail(directive.at, "non-reverse zone name must be used", text_of(directive));
    }
    read_options<KubernetesTarget>(directive, kKubernetesOptions, target);
    if (target.has_namespace_labels && !target.config.options.namespaces.empty()) {
        fail(directive.at, "namespaces and namespace_labels cannot both be set");
    }
    check_sources(directive, target);
    return std::move(target.config);
}

}  // namespace server

#include <algorithm>
#include <charconv>
#include <limits>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"

namespace server {
namespace {

constexpr std::size_t kHostmasterSize = 11;  // the label that a zone's SOA record puts in front

constexpr std::int64_t kMaxTtl = 3600;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();

/// What the options fill in, and what is only known when all have been read.
struct Target {
    KubernetesConfig config;
    std::filesystem::path folder;
    bool has_namespace_labels = false;
};

std::string joined(const std::vector<std::string>& args) {
    std::string out;
    for (const std::string& arg : args) {
        out += (out.empty() ? "" : " ") + arg;
    }
    return out;
}

k8s_client::LabelSelector read_selector(const Directive& line) {
    expect_arguments(line, 1, kNoLimit);
    auto selector = k8s_client::LabelSelector::parse(joined(line.args));
    if (!selector) {
        fail(line.at, "not a label selector (" + selector.error() + ")", joined(line.args));
    }
    return std::move(*selector);
}

void read_namespaces(const Directive& line, Target& target) {
    expect_arguments(line, 1, kNoLimit);
    auto& namespaces = target.config.options.namespaces;
    namespaces.insert(namespaces.end(), line.args.begin(), line.args.end());
}

void read_namespace_labels(const Directive& line, Target& target) {
    target.config.namespace_labels = read_selector(line);
    target.has_namespace_labels = true;
}

void read_labels(const Directive& line, Target& target) {
    target.config.labels = read_selector(line);
}

void read_pods(const Directive& line, Target& target) {
    static constexpr std::string_view kModes[] = {"disabled", "insecure", "verified"};
    static constexpr zones::PodMode kValues[] = {zones::PodMode::Disabled, zones::PodMode::Insecure,
                                                 zones::PodMode::Verified};
    expect_arguments(line, 1, 1);
    target.config.options.pods = kValues[read_word(line, line.args[0], kModes)];
}

void read_endpoint_pod_names(const Directive& line, Target& target) {
    expect_arguments(line, 0, 0);
    target.config.options.endpoint_pod_names = true;
}

void read_ttl(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    target.config.options.ttl =
        static_cast<std::uint32_t>(read_integer(line, line.args[0], 0, kMaxTtl));
}

void read_noendpoints(const Directive& line, Target& target) {
    expect_arguments(line, 0, 0);
    target.config.options.no_endpoints = true;
}

void read_fallthrough(const Directive& line, Target& target) {
    auto& zones = target.config.options.fallthrough;
    zones = line.args.empty() ? std::vector<zones::Name>(1) : read_zones(line.at, line.args);
}

/// CoreDNS takes `ignore` without a word, and does nothing.
void read_ignore(const Directive& line, Target& target) {
    static constexpr std::string_view kWords[] = {"empty_service"};
    expect_arguments(line, 0, 1);
    if (!line.args.empty()) {
        read_word(line, line.args[0], kWords);
        target.config.options.ignore_empty_service = true;
    }
}

void read_startup_timeout(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    target.config.startup_timeout =
        std::chrono::ceil<std::chrono::milliseconds>(read_duration(line, line.args[0]));
}

void check_qps(const Directive& line, Target& /*target*/) {
    expect_arguments(line, 1, 1);
    const std::string& text = line.args[0];
    double value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) {
        fail(line.at, line.name + " needs a number that is not negative", text);
    }
}

void check_count(const Directive& line, Target& /*target*/) {
    expect_arguments(line, 1, 1);
    read_integer(line, line.args[0], 0, kMaxInt);
}

/// Absolute, so that it does not matter where the process runs.
void read_manifests(const Directive& line, Target& target) {
    expect_arguments(line, 1, kNoLimit);
    for (const std::string& path : line.args) {
        target.config.manifests.push_back(
            std::filesystem::absolute(target.folder / path).lexically_normal());
    }
}

void read_nameserver(const Directive& line, Target& target) {
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

constexpr Option<Target> kOptions[] = {
    {"apiserver_burst", check_count},
    {"apiserver_max_inflight", check_count},
    {"apiserver_qps", check_qps},
    {"endpoint", refuse_option<Target>},
    {"endpoint_pod_names", read_endpoint_pod_names},
    {"fallthrough", read_fallthrough},
    {"ignore", read_ignore},
    {"kubeconfig", refuse_option<Target>},
    {"labels", read_labels},
    {"manifests", read_manifests},
    {"multicluster", refuse_option<Target>},
    {"nameserver", read_nameserver},
    {"namespace_labels", read_namespace_labels},
    {"namespaces", read_namespaces},
    {"noendpoints", read_noendpoints},
    {"pods", read_pods},
    {"startup_timeout", read_startup_timeout},
    {"tls", refuse_option<Target>},
    {"ttl", read_ttl},
    {"zonal", refuse_option<Target>},
};

}  // namespace

KubernetesConfig read_kubernetes(const Directive& directive,
                                 const std::vector<zones::Name>& block_zones,
                                 const std::filesystem::path& folder) {
    Target target;
    target.folder = folder;
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
    read_options<Target>(directive, kOptions, target);
    if (target.has_namespace_labels && !target.config.options.namespaces.empty()) {
        fail(directive.at, "namespaces and namespace_labels cannot both be set");
    }
    if (target.config.manifests.empty()) {
        fail(directive.at,
             "kubernetes needs 'manifests PATH...': this version does not read the API server");
    }
    return std::move(target.config);
}

}  // namespace server

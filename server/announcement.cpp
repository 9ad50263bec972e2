#include "server/announcement.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <sys/utsname.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "server/sockets.h"
#include "server/version.h"

namespace server {
namespace {

using Lines = std::vector<std::string>;

std::string with_port(const std::string& address, std::uint16_t port) {
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

/// ".:53", "cluster.local.:53 on 10.0.0.1"; both wildcards together are one line.
std::string zone_line(const zones::Name& zone, const Listen& listen) {
    const std::string where = fmt::format("{}:{}", zone.to_string(), listen.port);
    return is_wildcard(listen) ? where : where + " on " + listen.address;
}

Lines zone_lines(const std::vector<ServerBlock>& blocks) {
    Lines lines;
    std::set<std::string> known;
    for (const ServerBlock& block : blocks) {
        for (const ZoneKey& key : block.keys) {
            for (const Listen& listen : key.listens) {
                std::string line = zone_line(key.zone, listen);
                if (known.insert(line).second) {
                    lines.push_back(std::move(line));
                }
            }
        }
    }
    return lines;
}

std::string zones_text(const std::vector<zones::Name>& names) {
    Lines texts;
    for (const zones::Name& name : names) {
        texts.push_back(name.to_string());
    }
    return fmt::format("{}", fmt::join(texts, " "));
}

/// In the order in which a query meets them, then its reply.
std::string plugins_text(const ServerBlock& block) {
    static constexpr std::string_view kInOrder[] = {
        "errors",      "log",      "ratelimit", "rrl",        "local", "any",  "chaos",   "rewrite",
        "acl",         "template", "hosts",     "kubernetes", "cache", "loop", "forward", "whoami",
        "loadbalance", "minimal",  "header",    "bufsize",    "nsid",  "ede"};
    Lines used;
    for (const std::string_view name : kInOrder) {
        if (std::find(block.plugins.begin(), block.plugins.end(), name) != block.plugins.end()) {
            used.emplace_back(name);
        }
    }
    return used.empty() ? "refuses all queries" : fmt::format("{}", fmt::join(used, ", "));
}

std::string api_text(const ApiConfig& api) {
    if (!api.kubeconfig.empty()) {
        return "the API server of " + api.kubeconfig.string();
    }
    return api.endpoint.empty() ? "the API server of this pod" : "the API server " + api.endpoint;
}

std::string source_text(const KubernetesConfig& kubernetes) {
    if (kubernetes.manifests.empty()) {
        return api_text(kubernetes.api);
    }
    Lines files;
    for (const auto& file : kubernetes.manifests) {
        files.push_back(file.string());
    }
    return fmt::format("{}", fmt::join(files, " "));
}

std::string watch_line(const KubernetesConfig& kubernetes) {
    const zones::ClusterOptions& options = kubernetes.options;
    std::string text = fmt::format(
        "plugin/kubernetes: {}: watching services, namespaces{}{} of {}", zones_text(options.zones),
        options.no_endpoints ? "" : ", endpoints",
        options.pods == zones::PodMode::Verified ? ", pods" : "", source_text(kubernetes));
    if (!options.namespaces.empty()) {
        text += fmt::format("; namespaces {}", fmt::join(options.namespaces, " "));
    }
    if (!kubernetes.labels.empty()) {
        text += "; labels " + kubernetes.labels.text();
    }
    if (!kubernetes.namespace_labels.empty()) {
        text += "; namespace labels " + kubernetes.namespace_labels.text();
    }
    return text;
}

std::string forward_line(const ForwardConfig& forward) {
    Lines upstreams;
    for (const resolver::Upstream& upstream : forward.options.upstreams) {
        upstreams.push_back(with_port(upstream.address, upstream.port));
    }
    return fmt::format("plugin/forward: {} to {}", forward.from.to_string(),
                       fmt::join(upstreams, " "));
}

/// "linux/amd64, g++ 12.2.0": where CoreDNS names its platform and compiler.
std::string build_line() {
    utsname machine{};
    uname(&machine);
    const std::string_view name = machine.machine;
    const std::string_view known = name == "x86_64" ? "amd64" : name == "aarch64" ? "arm64" : name;
#ifdef __clang__
    return fmt::format("linux/{}, clang++ {}", known, __clang_version__);
#else
    return fmt::format("linux/{}, g++ {}", known, __VERSION__);
#endif
}

}  // namespace

Lines block_lines(const ServerBlock& block) {
    Lines lines{fmt::format("{}: {}", fmt::join(zone_lines({block}), ", "), plugins_text(block))};
    if (block.kubernetes) {
        lines.push_back(watch_line(*block.kubernetes));
    }
    for (const ForwardConfig& forward : block.forwards) {
        lines.push_back(forward_line(forward));
    }
    return lines;
}

Lines version_lines() {
    return {fmt::format("Keryx-{}", kVersion), build_line()};
}

Lines announcement(const Config& config, const std::vector<Listen>& listens, unsigned workers) {
    Lines lines = zone_lines(config.blocks);
    for (const Listen& listen : listens) {
        lines.push_back("listening " + to_string(listen));
    }
    for (const ServerBlock& block : config.blocks) {
        std::ranges::copy(block_lines(block), std::back_inserter(lines));
    }
    lines.push_back(fmt::format("{} worker{}", workers, workers == 1 ? "" : "s"));
    std::ranges::copy(version_lines(), std::back_inserter(lines));
    return lines;
}

}  // namespace server

#include "server/routing_samples.h"

namespace server {
namespace {

void read_cache_samples(const BlockCache& cache, const CacheSeries& series,
                        std::vector<Sample>& samples) {
    const auto counters = cache.store().counters();
    for (const auto& [type, entries] : {std::pair{"success", counters.success_entries},
                                        std::pair{"denial", counters.denial_entries}}) {
        Labels labels = series.labels;
        labels.emplace_back("type", type);
        samples.push_back(
            {&metric::kCacheEntries, std::move(labels), static_cast<double>(entries)});
    }
}

}  // namespace

void read_routing(const Routing& routing, std::vector<Sample>& samples) {
    const CacheSeries* last = nullptr;  // the zones of a block stand together, and share it
    for (const ServedZone& served : routing.served) {
        if (served.cache != nullptr && served.cache != last) {
            read_cache_samples(*routing.blocks[served.block].cache, *served.cache, samples);
            last = served.cache;
        }
    }
    double refused_hosts = 0;
    for (const auto& hosts : routing.hosts) {
        refused_hosts += static_cast<double>(hosts->refused());
        samples.push_back({&metric::kHostsEntries,
                           {{"hostsfile", hosts->file()}},
                           static_cast<double>(hosts->tables().value()->size())});
        if (const double written = hosts->written(); written > 0) {
            samples.push_back({&metric::kHostsReload, {}, written});
        }
    }
    if (!routing.hosts.empty()) {
        samples.push_back({&metric::kRefusedFiles, {{"file", "hosts"}}, refused_hosts});
    }
    if (routing.loops != nullptr) {
        for (const auto& probe : routing.loops->probes()) {
            const auto& [address, port] = probe->upstream();
            const bool v6 = address.find(':') != std::string::npos;
            const std::string to =
                (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
            samples.push_back({&metric::kUpstreamLoops,
                               {{"to", to}, {"zone", probe->zone().to_string()}},
                               probe->loops() ? 1.0 : 0.0});
        }
    }
}

std::vector<Labels> enabled_plugins(const Routing& routing) {
    std::vector<Labels> enabled;
    for (const ServedZone& served : routing.served) {
        if (served.series == nullptr || !served.series->scraped) {
            continue;
        }
        for (const std::string_view plugin : routing.blocks[served.block].config->plugins) {
            enabled.push_back(served.series->labels);
            enabled.back().emplace_back("name", plugin);
        }
    }
    return enabled;
}

}  // namespace server

#include "server/status_report.h"

#include <set>

#include "server/forward_text.h"
#include "server/seconds.h"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t count_services(const zones::Snapshot& snapshot) {
    std::size_t count = 0;
    for (const auto& shard : snapshot.shards) {
        count += shard == nullptr ? 0 : shard->size();
    }
    return count;
}

StatusReport::Cluster cluster_of(const Block& block, const ClusterSource& source) {
    const auto snapshot = block.cluster->published().value();
    const KubernetesConfig& config = *block.config->kubernetes;
    StatusReport::Cluster cluster{.from_api = config.manifests.empty(),
                                  .synced = snapshot->synced,
                                  .stale = snapshot->stale,
                                  .services = count_services(*snapshot),
                                  .namespaces = snapshot->namespaces->size(),
                                  .serial = snapshot->serial,
                                  .resources = source.api_state()};
    for (const zones::Name& zone : config.options.zones) {
        cluster.zones.push_back(zone.to_string());
    }
    const auto changed = block.cluster->last_change();
    if (changed != Clock::time_point{}) {
        cluster.last_change = in_seconds(Clock::now() - changed);
    }
    return cluster;
}

/// Those that this instance asks; the metrics know all that ever were.
std::vector<Metrics::UpstreamTotals> upstreams_of(const Instance& instance,
                                                  const Metrics& metrics) {
    std::set<std::string> asked;
    for (const ForwardLine& line : instance.routing.forwards) {
        for (const resolver::Upstream& upstream : line.config->options.upstreams) {
            asked.insert(upstream_text(upstream));
        }
    }
    auto upstreams = metrics.upstreams();
    std::erase_if(upstreams, [&](const auto& upstream) { return !asked.contains(upstream.to); });
    return upstreams;
}

std::vector<StatusReport::Cache> caches_of(const Routing& routing) {
    std::vector<StatusReport::Cache> caches;
    const CacheSeries* last = nullptr;  // the zones of a block stand together, and share it
    for (const ServedZone& served : routing.served) {
        if (served.cache == nullptr || served.cache == last) {
            continue;
        }
        last = served.cache;
        const resolver::AnswerCache& store = routing.blocks[served.block].cache->store();
        const auto entries = store.counters();
        StatusReport::Cache cache{
            .successes = entries.success_entries,
            .denials = entries.denial_entries,
            .success_capacity = static_cast<std::size_t>(store.options().success_capacity),
            .denial_capacity = static_cast<std::size_t>(store.options().denial_capacity),
            .counts = Metrics::totals_of(*served.cache)};
        for (const auto& label : served.cache->labels) {
            if (label.first != "view") {
                cache.labels.push_back(label);
            }
        }
        caches.push_back(std::move(cache));
    }
    return caches;
}

}  // namespace

StatusReport status_report(const Instance& instance, const Metrics& metrics,
                           Clock::time_point started) {
    StatusReport report{.uptime = in_seconds(Clock::now() - started),
                        .workers = metrics.workers(),
                        .upstreams = upstreams_of(instance, metrics),
                        .caches = caches_of(instance.routing),
                        .totals = metrics.totals()};
    for (const Block& block : instance.routing.blocks) {
        if (block.cluster != nullptr) {
            report.clusters.push_back(cluster_of(block, *instance.sources[block.cluster_index]));
        }
    }
    return report;
}

}  // namespace server

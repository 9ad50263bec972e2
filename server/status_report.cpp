#include "server/status_report.h"

#include <algorithm>
#include <set>

#include "server/json_text.h"
#include "server/version.h"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void write_names(const std::vector<zones::Name>& names, JsonText& json) {
    json.begin_array();
    for (const zones::Name& name : names) {
        json.value(name.to_string());
    }
    json.end_array();
}

void write_resources(const ClusterSource& source, JsonText& json) {
    json.key("resources").begin_array();
    for (const auto& state : source.api_state()) {
        json.begin_object()
            .member("resource", state.resource)
            .member("objects", state.objects)
            .member("version", state.version)
            .key("age_seconds");
        if (state.age.count() < 0) {  // never heard of
            json.null();
        } else {
            json.value(seconds(state.age));
        }
        json.end_object();
    }
    json.end_array();
}

std::size_t count_services(const zones::Snapshot& snapshot) {
    std::size_t count = 0;
    for (const auto& shard : snapshot.shards) {
        count += shard == nullptr ? 0 : shard->size();
    }
    return count;
}

void write_cluster(const Block& block, const ClusterSource& source, JsonText& json) {
    const auto snapshot = block.cluster->published().value();
    const KubernetesConfig& config = *block.config->kubernetes;
    json.begin_object().key("zones");
    write_names(config.options.zones, json);
    json.member("source", config.manifests.empty() ? "api" : "manifests")
        .member("synced", snapshot->synced)
        .member("stale", snapshot->stale)
        .member("services", count_services(*snapshot))
        .member("namespaces", snapshot->namespaces->size())
        .member("serial", snapshot->serial)
        .key("last_change_seconds");
    const auto changed = block.cluster->last_change();
    if (changed == Clock::time_point{}) {
        json.null();
    } else {
        json.value(seconds(Clock::now() - changed));
    }
    write_resources(source, json);
    json.end_object();
}

std::string to_text(const resolver::Upstream& upstream) {
    const bool v6 = upstream.address.find(':') != std::string::npos;
    return (v6 ? "[" + upstream.address + "]" : upstream.address) + ":" +
           std::to_string(upstream.port);
}

/// Those that this instance asks; the metrics know all that ever were.
void write_upstreams(const Instance& instance, const Metrics& metrics, JsonText& json) {
    std::set<std::string> asked;
    for (const ForwardLine& line : instance.routing.forwards) {
        for (const resolver::Upstream& upstream : line.config->options.upstreams) {
            asked.insert(to_text(upstream));
        }
    }
    json.key("upstreams").begin_array();
    for (const Metrics::UpstreamTotals& totals : metrics.upstreams()) {
        if (asked.contains(totals.to)) {
            json.begin_object()
                .member("address", totals.to)
                .member("up", !totals.down)
                .member("queries", totals.queries)
                .member("failures", totals.failures)
                .end_object();
        }
    }
    json.end_array();
}

void write_caches(const Routing& routing, JsonText& json) {
    json.key("caches").begin_array();
    const CacheSeries* last = nullptr;  // the zones of a block stand together, and share it
    for (const ServedZone& served : routing.served) {
        if (served.cache == nullptr || served.cache == last) {
            continue;
        }
        last = served.cache;
        const resolver::AnswerCache& store = routing.blocks[served.block].cache->store();
        const auto entries = store.counters();
        const auto counts = Metrics::totals_of(*served.cache);
        json.begin_object();
        for (const auto& [name, value] : served.cache->labels) {
            if (name != "view") {
                json.member(name, value);
            }
        }
        json.member("successes", entries.success_entries)
            .member("denials", entries.denial_entries)
            .member("success_capacity", store.options().success_capacity)
            .member("denial_capacity", store.options().denial_capacity)
            .member("hits", counts.hits)
            .member("misses", counts.misses)
            .end_object();
    }
    json.end_array();
}

void write_queries(const Metrics::Totals& totals, JsonText& json) {
    json.key("queries")
        .begin_object()
        .member("received", totals.messages)
        .member("forwarded", totals.forwarded)
        .member("waiting", totals.waiting)
        .key("rcodes")
        .begin_object();
    for (std::size_t rcode = 0; rcode < kRcodePlaces; ++rcode) {
        if (totals.responses[rcode] > 0) {
            json.member(rcode_at(rcode), totals.responses[rcode]);
        }
    }
    json.end_object().key("durations").begin_object().key("bounds_seconds").begin_array();
    for (std::size_t i = 0; i < TimeScale::kBounds; ++i) {
        json.value(TimeScale::bound(i));
    }
    json.end_array().key("counts").begin_array();
    for (const std::uint64_t count : totals.durations) {
        json.value(count);
    }
    json.end_array()
        .member("sum_seconds", static_cast<double>(totals.duration_ns) / TimeScale::kUnitsPerShown)
        .end_object()
        .end_object();
}

}  // namespace

std::string status_json(const Instance& instance, const Metrics& metrics,
                        Clock::time_point started) {
    JsonText json;
    json.begin_object()
        .member("version", kVersion)
        .member("uptime_seconds", seconds(Clock::now() - started))
        .member("workers", metrics.workers())
        .key("clusters")
        .begin_array();
    for (const Block& block : instance.routing.blocks) {
        if (block.cluster != nullptr) {
            write_cluster(block, *instance.sources[block.cluster_index], json);
        }
    }
    json.end_array();
    write_upstreams(instance, metrics, json);
    write_caches(instance.routing, json);
    write_queries(metrics.totals(), json);
    json.end_object();
    return json.text();
}

}  // namespace server

#include "server/json_text.h"
#include "server/seconds.h"
#include "server/status_report.h"
#include "server/version.h"

namespace server {
namespace {

void write_cluster(const StatusReport::Cluster& cluster, JsonText& json) {
    json.begin_object().key("zones").begin_array();
    for (const std::string& zone : cluster.zones) {
        json.value(zone);
    }
    json.end_array()
        .member("source", cluster.from_api ? "api" : "manifests")
        .member("synced", cluster.synced)
        .member("stale", cluster.stale)
        .member("services", cluster.services)
        .member("namespaces", cluster.namespaces)
        .member("serial", cluster.serial)
        .key("last_change_seconds");
    if (cluster.last_change) {
        json.value(*cluster.last_change);
    } else {
        json.null();
    }
    json.key("resources").begin_array();
    for (const auto& state : cluster.resources) {
        json.begin_object()
            .member("resource", state.resource)
            .member("objects", state.objects)
            .member("version", state.version)
            .key("age_seconds");
        if (state.age.count() < 0) {  // never heard of
            json.null();
        } else {
            json.value(in_seconds(state.age));
        }
        json.end_object();
    }
    json.end_array().end_object();
}

void write_upstreams(const std::vector<Metrics::UpstreamTotals>& upstreams, JsonText& json) {
    json.key("upstreams").begin_array();
    for (const Metrics::UpstreamTotals& upstream : upstreams) {
        json.begin_object()
            .member("address", upstream.to)
            .member("up", !upstream.down)
            .member("queries", upstream.queries)
            .member("failures", upstream.failures)
            .end_object();
    }
    json.end_array();
}

void write_caches(const std::vector<StatusReport::Cache>& caches, JsonText& json) {
    json.key("caches").begin_array();
    for (const StatusReport::Cache& cache : caches) {
        json.begin_object();
        for (const auto& [name, value] : cache.labels) {
            json.member(name, value);
        }
        json.member("successes", cache.successes)
            .member("denials", cache.denials)
            .member("success_capacity", cache.success_capacity)
            .member("denial_capacity", cache.denial_capacity)
            .member("hits", cache.counts.hits)
            .member("misses", cache.counts.misses)
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

std::string status_json(const StatusReport& report) {
    JsonText json;
    json.begin_object()
        .member("version", kVersion)
        .member("uptime_seconds", report.uptime)
        .member("workers", report.workers)
        .key("clusters")
        .begin_array();
    for (const StatusReport::Cluster& cluster : report.clusters) {
        write_cluster(cluster, json);
    }
    json.end_array();
    write_upstreams(report.upstreams, json);
    write_caches(report.caches, json);
    write_queries(report.totals, json);
    json.end_object();
    return json.text();
}

}  // namespace server

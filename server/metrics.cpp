#include "server/metrics.h"

#include <algorithm>

#include "server/metric_text.h"
#include "server/process_status.h"
#include "server/version.h"

namespace server {
namespace {

constexpr std::array kDropReasonNames = {"malformed", "acl", "ratelimit", "rrl"};
constexpr std::array kMalformedReasonNames = {"format", "opcode", "edns_version", "signed"};
constexpr std::array kTcpEndNames = {"idle", "message", "write", "queries", "size"};
static_assert(kTcpEndNames.size() == kTcpEnds);
constexpr std::array kProtocols = {"udp", "tcp"};
constexpr std::array kFamilies = {"1", "2"};

/// Adds up what `pick` finds in each worker's cells.
template <typename Cells, typename Pick>
std::uint64_t sum(const PerWorker<Cells>& cells, Pick pick) {
    std::uint64_t total = 0;
    for (const Cells& one : cells) {
        total += pick(one).get();
    }
    return total;
}

/// Nothing is shown of a histogram that has seen nothing.
template <typename Scale, typename Cells, typename Pick>
void add_histogram(MetricText& text, const MetricName& name, const Labels& labels,
                   const PerWorker<Cells>& cells, Pick pick) {
    MetricText::Buckets buckets(Scale::kBounds + 1);
    std::uint64_t total = 0;
    std::uint64_t units = 0;
    for (const Cells& one : cells) {
        const HistogramCell<Scale>& histogram = pick(one);
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            buckets[i] += histogram.buckets[i].get();
            total += histogram.buckets[i].get();
        }
        units += histogram.sum.get();
    }
    if (total > 0) {
        text.histogram(name, labels, buckets, &Scale::bound,
                       static_cast<double>(units) / Scale::kUnitsPerShown);
    }
}

template <typename Cells, typename Pick>
void add_if_any(MetricText& text, const MetricName& name, const Labels& labels,
                const PerWorker<Cells>& cells, Pick pick) {
    if (const std::uint64_t total = sum(cells, pick); total > 0) {
        text.value(name, labels, static_cast<double>(total));
    }
}

template <typename Cells>
void add(MetricText& text, const MetricName& name, const Labels& labels,
         const PerWorker<Cells>& cells, Count Cells::*count) {
    const auto pick = [count](const Cells& one) -> const Count& { return one.*count; };
    text.value(name, labels, static_cast<double>(sum(cells, pick)));
}

Labels with(Labels labels, std::initializer_list<std::pair<std::string, std::string>> more) {
    labels.insert(labels.end(), more);
    return labels;
}

void add_requests(MetricText& text, const ZoneSeries& zone) {
    for (std::size_t tcp = 0; tcp < 2; ++tcp) {
        for (std::size_t v6 = 0; v6 < 2; ++v6) {
            for (std::size_t type = 0; type < kTypePlaces; ++type) {
                const auto pick = [=](const ZoneCells& c) -> const Count& {
                    return c.requests[tcp][v6][type];
                };
                if (const std::uint64_t total = sum(zone.cells, pick); total > 0) {
                    text.value(metric::kRequests,
                               with(zone.labels, {{"proto", kProtocols[tcp]},
                                                  {"family", kFamilies[v6]},
                                                  {"type", std::string(type_at(type))}}),
                               static_cast<double>(total));
                }
            }
        }
    }
}

void add_responses(MetricText& text, const ZoneSeries& zone) {
    for (std::size_t author = 0; author < kAuthors; ++author) {
        for (std::size_t rcode = 0; rcode < kRcodePlaces; ++rcode) {
            const auto pick = [=](const ZoneCells& c) -> const Count& {
                return c.responses[author][rcode];
            };
            if (const std::uint64_t total = sum(zone.cells, pick); total > 0) {
                const auto plugin = name_of(static_cast<Author>(author));
                text.value(metric::kResponses,
                           with(zone.labels,
                                {{"rcode", rcode_at(rcode)}, {"plugin", std::string(plugin)}}),
                           static_cast<double>(total));
            }
        }
    }
}

void add_limited(MetricText& text, const ZoneSeries& zone) {
    for (std::size_t limit = 0; limit < kLimits; ++limit) {
        for (std::size_t action = 0; action < kLimitActions; ++action) {
            add_if_any(text, metric::kLimited,
                       with(zone.labels, {{"limit", std::string(kLimitNames[limit])},
                                          {"action", std::string(kLimitActionNames[action])}}),
                       zone.cells, [=](const ZoneCells& c) -> const Count& {
                           return c.limited[limit][action];
                       });
        }
    }
}

void add_zone(MetricText& text, const ZoneSeries& zone) {
    add_requests(text, zone);
    add_responses(text, zone);
    add_if_any(text, metric::kDoRequests, zone.labels, zone.cells,
               [](const ZoneCells& c) -> const Count& { return c.dnssec_requests; });
    add_histogram<TimeScale>(
        text, metric::kRequestDuration, zone.labels, zone.cells,
        [](const ZoneCells& c) -> const auto& { return c.duration; });
    for (std::size_t tcp = 0; tcp < 2; ++tcp) {
        const Labels labels = with(zone.labels, {{"proto", kProtocols[tcp]}});
        add_histogram<SizeScale>(
            text, metric::kRequestSize, labels,
            zone.cells, [=](const ZoneCells& c) -> const auto& { return c.request_size[tcp]; });
        add_histogram<SizeScale>(
            text, metric::kResponseSize, labels,
            zone.cells, [=](const ZoneCells& c) -> const auto& { return c.response_size[tcp]; });
    }
    const std::pair<const MetricName*, Count ZoneCells::*> denials[] = {
        {&metric::kAclBlocked, &ZoneCells::acl_blocked},
        {&metric::kAclFiltered, &ZoneCells::acl_filtered},
        {&metric::kAclDropped, &ZoneCells::acl_dropped}};
    for (const auto& [name, count] : denials) {
        add_if_any(text, *name, zone.labels, zone.cells,
                   [c = count](const ZoneCells& cells) -> const Count& { return cells.*c; });
    }
    add_limited(text, zone);
}

/// Has no label `zone`: one series for all zones of a server.
void add_allowed(MetricText& text, const std::vector<const ZoneSeries*>& zones) {
    std::map<Labels, std::uint64_t> by_server;
    for (const ZoneSeries* zone : zones) {
        Labels labels = zone->labels;
        std::erase_if(labels, [](const auto& label) { return label.first == "zone"; });
        by_server[labels] +=
            sum(zone->cells, [](const ZoneCells& c) -> const Count& { return c.acl_allowed; });
    }
    for (const auto& [labels, total] : by_server) {
        if (total > 0) {
            text.value(metric::kAclAllowed, labels, static_cast<double>(total));
        }
    }
}

void add_cache(MetricText& text, const CacheSeries& cache) {
    const Labels success = with(cache.labels, {{"type", "success"}});
    const Labels denial = with(cache.labels, {{"type", "denial"}});
    add(text, metric::kCacheHits, success, cache.cells, &CacheCells::success_hits);
    add(text, metric::kCacheHits, denial, cache.cells, &CacheCells::denial_hits);
    add(text, metric::kCacheEvictions, success, cache.cells, &CacheCells::success_evictions);
    add(text, metric::kCacheEvictions, denial, cache.cells, &CacheCells::denial_evictions);
    add(text, metric::kCacheRequests, cache.labels, cache.cells, &CacheCells::requests);
    add(text, metric::kCacheMisses, cache.labels, cache.cells, &CacheCells::misses);
    add(text, metric::kCachePrefetch, cache.labels, cache.cells, &CacheCells::prefetches);
    add(text, metric::kCacheDrops, cache.labels, cache.cells, &CacheCells::drops);
    add(text, metric::kCacheServedStale, cache.labels, cache.cells, &CacheCells::served_stale);
}

void add_upstream(MetricText& text, const UpstreamSeries& upstream) {
    const Labels proxy =
        with({{"proxy_name", "forward"}}, {{upstream.labels[0].first, upstream.labels[0].second}});
    for (std::size_t rcode = 0; rcode < kRcodePlaces; ++rcode) {
        add_histogram<TimeScale>(
            text, metric::kProxyDuration, with(proxy, {{"rcode", rcode_at(rcode)}}),
            upstream.cells, [=](const UpstreamCells& c) -> const auto& {
                return c.replies[rcode];
            });
    }
    for (std::size_t tcp = 0; tcp < 2; ++tcp) {
        const Labels labels = with(proxy, {{"proto", kProtocols[tcp]}});
        const auto old_socket = [=](const UpstreamCells& c) -> const Count& {
            return c.old_sockets[tcp];
        };
        const auto new_socket = [=](const UpstreamCells& c) -> const Count& {
            return c.new_sockets[tcp];
        };
        text.value(metric::kProxyHits, labels,
                   static_cast<double>(sum(upstream.cells, old_socket)));
        text.value(metric::kProxyMisses, labels,
                   static_cast<double>(sum(upstream.cells, new_socket)));
    }
    add(text, metric::kProxyHealthFailures, proxy, upstream.cells, &UpstreamCells::probes_failed);
    const Labels& to = upstream.labels;
    add(text, metric::kUpstreamQueries, to, upstream.cells, &UpstreamCells::queries);
    add(text, metric::kUpstreamFailures, to, upstream.cells, &UpstreamCells::failures);
    add(text, metric::kUpstreamStrays, to, upstream.cells, &UpstreamCells::strays);
    add(text, metric::kUpstreamAbandoned, to, upstream.cells, &UpstreamCells::abandoned);
    const auto down =
        sum(upstream.cells, [](const UpstreamCells& c) -> const Count& { return c.down; });
    text.value(metric::kUpstreamDown, to, down > 0 ? 1 : 0);
}

void add_workers(MetricText& text, const PerWorker<WorkerCells>& workers) {
    std::size_t index = 0;
    for (const WorkerCells& worker : workers) {
        text.value(metric::kMessages, {{"worker", std::to_string(index++)}},
                   static_cast<double>(worker.messages.get()));
    }
    text.value(metric::kWorkers, {}, static_cast<double>(index));
    for (std::size_t i = 0; i < kDropReasons; ++i) {
        const auto pick = [=](const WorkerCells& c) -> const Count& { return c.dropped[i]; };
        text.value(metric::kDropped, {{"reason", kDropReasonNames[i]}},
                   static_cast<double>(sum(workers, pick)));
    }
    for (std::size_t i = 0; i < kMalformedReasons; ++i) {
        const auto pick = [=](const WorkerCells& c) -> const Count& { return c.malformed[i]; };
        text.value(metric::kMalformed, {{"reason", kMalformedReasonNames[i]}},
                   static_cast<double>(sum(workers, pick)));
    }
    for (std::size_t i = 0; i < kTcpEnds; ++i) {
        const auto pick = [=](const WorkerCells& c) -> const Count& { return c.tcp_closed[i]; };
        text.value(metric::kTcpClosed, {{"reason", kTcpEndNames[i]}},
                   static_cast<double>(sum(workers, pick)));
    }
    const std::pair<const MetricName*, Count WorkerCells::*> counts[] = {
        {&metric::kUnsent, &WorkerCells::unsent_replies},
        {&metric::kOverflows, &WorkerCells::overflows},
        {&metric::kTcpConnections, &WorkerCells::tcp_connections},
        {&metric::kTcpEvicted, &WorkerCells::tcp_evicted},
        {&metric::kTcpRefused, &WorkerCells::tcp_refused},
        {&metric::kTcpPaused, &WorkerCells::tcp_paused},
        {&metric::kLimitEvictions, &WorkerCells::limit_evictions},
        {&metric::kShedForwards, &WorkerCells::shed_forwards},
        {&metric::kForwarded, &WorkerCells::forwarded},
        {&metric::kPendingForwards, &WorkerCells::pending_forwards},
        {&metric::kMergedForwards, &WorkerCells::merged_forwards},
        {&metric::kFailovers, &WorkerCells::failovers},
        {&metric::kForwardBroken, &WorkerCells::all_down},
        {&metric::kForwardRejects, &WorkerCells::rejected_forwards}};
    for (const auto& [name, count] : counts) {
        add(text, *name, {}, workers, count);
    }
}

}  // namespace

Metrics::Metrics(std::size_t workers) : worker_count_(workers), workers_(workers) {
    const std::string version = kVersion;
    rare_.set(metric::kBuildInfo, {{"version", version}, {"revision", "keryx"}, {"goversion", ""}},
              1);
    rare_.set(metric::kKeryxBuild, {{"version", version}, {"compiler", __VERSION__}}, 1);
    rare_.set(metric::kStartTime, {}, process_start_time());
    rare_.add(metric::kPanics, {}, 0);
    rare_.add(metric::kReloadFailed, {}, 0);
    rare_.add(metric::kHealthFailures, {}, 0);
}

template <typename Cells>
Series<Cells>& Metrics::find(Table<Cells>& table, const MetricName* name, const Labels& labels) {
    const std::lock_guard lock(mutex_);
    auto& series = table[{name, labels}];
    if (series == nullptr) {
        series = std::make_unique<Series<Cells>>(name, labels, worker_count_);
    }
    return *series;
}

ZoneSeries& Metrics::zone(const std::string& server, const std::string& zone, bool scraped) {
    ZoneSeries& series = find(zones_, nullptr, {{"server", server}, {"zone", zone}, {"view", ""}});
    series.scraped = series.scraped || scraped;
    return series;
}

CacheSeries& Metrics::cache(const std::string& server, const std::string& zones) {
    return find(caches_, nullptr, {{"server", server}, {"zones", zones}, {"view", ""}});
}

UpstreamSeries& Metrics::upstream(const std::string& address_and_port) {
    return find(upstreams_, nullptr, {{"to", address_and_port}});
}

CounterSeries& Metrics::counter(const MetricName& name, const Labels& labels) {
    return find(counters_, &name, labels);
}

Metrics::Reading Metrics::show(Read read) {
    const std::lock_guard lock(readings_mutex_);
    readings_.push_back(std::move(read));
    return {this, std::prev(readings_.end())};
}

Metrics::Reading::~Reading() {
    if (metrics_ != nullptr) {
        const std::lock_guard lock(metrics_->readings_mutex_);
        metrics_->readings_.erase(place_);
    }
}

std::string Metrics::text() const {
    MetricText text;
    for (const Sample& sample : rare_.samples()) {
        text.sample(sample);
    }
    std::vector<Sample> samples;
    {
        const std::lock_guard lock(readings_mutex_);
        for (const Read& read : readings_) {
            read(samples);
        }
    }
    read_process_status(samples);
    for (const Sample& sample : samples) {
        text.replace(sample);
    }
    auto zones = all(zones_);
    std::erase_if(zones, [](const ZoneSeries* zone) { return !zone->scraped; });
    for (const ZoneSeries* zone : zones) {
        add_zone(text, *zone);
    }
    add_allowed(text, zones);
    for (const CacheSeries* cache : all(caches_)) {
        add_cache(text, *cache);
    }
    for (const UpstreamSeries* upstream : all(upstreams_)) {
        add_upstream(text, *upstream);
    }
    for (const CounterSeries* counter : all(counters_)) {
        add_if_any(text, *counter->name, counter->labels, counter->cells,
                   [](const CountCell& c) -> const Count& { return c.count; });
    }
    add_workers(text, workers_);
    return std::move(text).render();
}

}  // namespace server

#include "server/metrics.h"

// What `status` shows of the cells: sums over zones and workers.

namespace server {
namespace {

void add_cells(const ZoneCells& cells, Metrics::Totals& totals) {
    for (const auto& by_rcode : cells.responses) {
        for (std::size_t rcode = 0; rcode < kRcodePlaces; ++rcode) {
            totals.responses[rcode] += by_rcode[rcode].get();
        }
    }
    for (std::size_t i = 0; i < totals.durations.size(); ++i) {
        totals.durations[i] += cells.duration.buckets[i].get();
    }
    totals.duration_ns += cells.duration.sum.get();
}

}  // namespace

Metrics::Totals Metrics::totals() const {
    Totals totals;
    for (const ZoneSeries* zone : all(zones_)) {
        for (const ZoneCells& cells : zone->cells) {
            add_cells(cells, totals);
        }
    }
    for (const WorkerCells& worker : workers_) {
        totals.messages += worker.messages.get();
        totals.forwarded += worker.forwarded.get();
        totals.waiting += worker.pending_forwards.get();
    }
    return totals;
}

std::vector<Metrics::UpstreamTotals> Metrics::upstreams() const {
    std::vector<UpstreamTotals> upstreams;
    for (const UpstreamSeries* series : all(upstreams_)) {
        UpstreamTotals totals{.to = series->labels.front().second};
        for (const UpstreamCells& cells : series->cells) {
            totals.queries += cells.queries.get();
            totals.failures += cells.failures.get();
            if (cells.down.get() > 0) {
                const auto since = static_cast<std::int64_t>(cells.down_since.get());
                totals.down_since = totals.down ? std::min(totals.down_since, since) : since;
                totals.down = true;
            }
        }
        upstreams.push_back(std::move(totals));
    }
    return upstreams;
}

Metrics::CacheTotals Metrics::totals_of(const CacheSeries& cache) {
    CacheTotals totals;
    for (const CacheCells& cells : cache.cells) {
        totals.hits += cells.success_hits.get() + cells.denial_hits.get();
        totals.misses += cells.misses.get();
    }
    return totals;
}

}  // namespace server

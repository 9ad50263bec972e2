// What one pipeline counts of queries, replies and forwards.
// Knows cells and when a reply has left; knows nothing of how it came about. Reads the clock once a
// batch, not once a query. One per pipeline, on its thread only; borrows the metrics, if there are
// any, and counts into cells of its own where there are none.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "resolver/forward.h"
#include "server/client.h"
#include "server/metrics.h"
#include "zones/query.h"

namespace server {

class QueryMeter {
  public:
    using Clock = std::chrono::steady_clock;

    /// `metrics` null: nobody reads. `worker` is the thread's number among Metrics::workers().
    QueryMeter(Metrics* metrics, std::size_t worker);
    ~QueryMeter();
    QueryMeter(const QueryMeter&) = delete;
    QueryMeter& operator=(const QueryMeter&) = delete;

    WorkerCells& worker() { return *worker_cells_; }
    const WorkerCells& worker() const { return *worker_cells_; }
    /// This worker's; null if `series` is.
    template <typename Cells>
    Cells* cells(Series<Cells>* series) const {
        return series == nullptr ? nullptr : &series->cells[index_];
    }

    struct Asked {
        const zones::Query& query;
        const Client& client;
        Clock::time_point started;
    };
    /// A client's query has this reply.
    void replied(ZoneCells& cells, const Asked& asked, std::span<const std::uint8_t> reply,
                 Author author);
    /// It gets none.
    void left_without_reply(ZoneCells& cells, const Asked& asked);

    /// A template of that zone matched. `section` not empty: a record of it was none.
    void template_matched(const ZoneSeries& of, const std::string& zone, const zones::Query& query,
                          const char* section, const std::string& text);

    /// Queries that started at `now` are of this batch.
    void begin_batch(Clock::time_point now) { now_ = now; }
    /// Their replies have left.
    void end_batch();

    /// Who counts for that upstream; null without metrics. Lives as long as this.
    resolver::UpstreamMeter* meter_of(const resolver::Upstream& upstream);
    /// How many wait now; what all forwarders together have counted.
    void forwards(std::size_t waiting, const resolver::ForwardCounters& totals);

  private:
    class ForwardMeter;
    using TemplateKey = std::tuple<const ZoneSeries*, std::string, std::size_t, std::size_t>;

    void asked(ZoneCells& cells, const Asked& asked);

    Metrics* metrics_;
    std::size_t index_;
    std::unique_ptr<WorkerCells> own_cells_;  // null where there are metrics
    WorkerCells* worker_cells_;
    Clock::time_point now_{};
    std::vector<ZoneCells*> unmeasured_;  // with replies in this batch
    std::map<TemplateKey, Count*> template_matches_;
    std::map<std::string, std::unique_ptr<ForwardMeter>> upstreams_;
    std::size_t waiting_ = 0;
    resolver::ForwardCounters totals_;
};

}  // namespace server

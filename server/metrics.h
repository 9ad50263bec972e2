// What the process counts, from its start to its end; reloads change what is counted, not the
// counts. Knows the series there are (cells of workers, rare_metrics.h, readings of parts that come
// and go); knows no HTTP. Workers find their series once, while a configuration is put together,
// and then write cells of their own; a scrape adds them up on its own thread and holds up nobody.
// Series are never taken back. main owns it and destroys it last.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/query_cells.h"
#include "server/rare_metrics.h"

namespace server {

/// Cells of every worker, and what they are shown under.
template <typename Cells>
struct Series {
    Series(const MetricName* called, Labels shown, std::size_t workers)
        : name(called), labels(std::move(shown)), cells(workers) {}

    const MetricName* name;  // null where the cells are many metrics
    Labels labels;
    std::atomic<bool> scraped{false};  // of a zone; else it is for `status` alone
    PerWorker<Cells> cells;
};

using ZoneSeries = Series<ZoneCells>;          // server, zone, view
using CacheSeries = Series<CacheCells>;        // server, zones, view
using UpstreamSeries = Series<UpstreamCells>;  // to
using CounterSeries = Series<CountCell>;

class Metrics {
  public:
    explicit Metrics(std::size_t workers);
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// The same object for the same labels, for the life of the process. `zone` and `zones` are
    /// as shown: "cluster.local.". For loading; not for each query. `scraped`: text() shows it.
    ZoneSeries& zone(const std::string& server, const std::string& zone, bool scraped = true);
    CacheSeries& cache(const std::string& server, const std::string& zones);
    UpstreamSeries& upstream(const std::string& address_and_port);
    CounterSeries& counter(const MetricName& name, const Labels& labels);

    WorkerCells& worker(std::size_t index) { return workers_[index]; }
    std::size_t workers() const { return worker_count_; }

    /// What happens seldom; any thread.
    RareMetrics& rare() { return rare_; }

    /// What a part shows as long as it is there. Called by the scrape's thread; it appends.
    using Read = std::function<void(std::vector<Sample>& samples)>;
    class Reading {
      public:
        Reading() = default;
        Reading(Metrics* metrics, std::list<Read>::iterator place)
            : metrics_(metrics), place_(place) {}
        Reading(Reading&& other) noexcept { swap(other); }
        Reading& operator=(Reading&& other) noexcept {
            swap(other);
            return *this;
        }
        /// Returns when nobody is calling it.
        ~Reading();

      private:
        void swap(Reading& other) noexcept {
            std::swap(metrics_, other.metrics_);
            std::swap(place_, other.place_);
        }
        Metrics* metrics_ = nullptr;
        std::list<Read>::iterator place_{};
    };
    /// The Metrics must outlive the result. Where two show the same series, the later one counts.
    [[nodiscard]] Reading show(Read read);

    /// Of all zones together.
    struct Totals {
        std::array<std::uint64_t, kRcodePlaces> responses{};            // by rcode
        std::array<std::uint64_t, TimeScale::kBounds + 1> durations{};  // each for itself
        std::uint64_t duration_ns = 0;                                  // their sum
        std::uint64_t messages = 0;                                     // all that came
        std::uint64_t forwarded = 0;
        std::uint64_t waiting = 0;  // for upstreams, now
    };
    Totals totals() const;
    struct UpstreamTotals {
        std::string to;
        std::uint64_t queries = 0, failures = 0;
        bool down = false;
        std::int64_t down_since = 0;  // Unix time, of the first worker that holds it so
    };
    std::vector<UpstreamTotals> upstreams() const;
    struct CacheTotals {
        std::uint64_t hits = 0, misses = 0;
    };
    static CacheTotals totals_of(const CacheSeries& cache);

    /// All of it in the text format 0.0.4. One thread at a time or several.
    std::string text() const;

  private:
    template <typename Cells>
    using Table = std::map<std::pair<const MetricName*, Labels>, std::unique_ptr<Series<Cells>>>;
    template <typename Cells>
    Series<Cells>& find(Table<Cells>& table, const MetricName* name, const Labels& labels);
    template <typename Cells>
    std::vector<const Series<Cells>*> all(const Table<Cells>& table) const {
        const std::lock_guard lock(mutex_);
        std::vector<const Series<Cells>*> series;
        series.reserve(table.size());
        for (const auto& [key, one] : table) {
            series.push_back(one.get());
        }
        return series;
    }

    const std::size_t worker_count_;
    PerWorker<WorkerCells> workers_;
    RareMetrics rare_;
    mutable std::mutex mutex_;  // guards the tables, not what is in their cells
    Table<ZoneCells> zones_;
    Table<CacheCells> caches_;
    Table<UpstreamCells> upstreams_;
    Table<CountCell> counters_;
    mutable std::mutex readings_mutex_;  // held while they are called
    std::list<Read> readings_;
};

/// "Content-Type" of text().
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace server

#include "server/query_meter.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "server/forward_text.h"

namespace server {
namespace {

std::uint64_t nanoseconds_of(QueryMeter::Clock::duration duration) {
    const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

Labels template_labels(const ZoneSeries& of, const std::string& zone, const zones::Query& query) {
    Labels labels = of.labels;
    for (auto& [name, value] : labels) {
        if (name == "zone") {
            value = zone;
        }
    }
    labels.emplace_back("class", class_at(class_place(query.qclass)));
    labels.emplace_back("type", type_at(type_place(query.qtype)));
    return labels;
}

}  // namespace

class QueryMeter::ForwardMeter : public resolver::UpstreamMeter {
  public:
    explicit ForwardMeter(UpstreamCells& cells) : cells_(cells) {}

    void replied(unsigned rcode, std::chrono::nanoseconds after) override {
        cells_.replies[rcode_place(rcode)].observe(nanoseconds_of(after));
    }
    void add(const resolver::UpstreamCounters& more) override {
        cells_.queries.add(more.queries);
        cells_.failures.add(more.failures);
        cells_.probes_failed.add(more.probes_failed);
        cells_.strays.add(more.strays);
        cells_.abandoned.add(more.abandoned);
        cells_.old_sockets[0].add(more.udp_kept);
        cells_.old_sockets[1].add(more.tcp_kept);
        cells_.new_sockets[0].add(more.udp_opened);
        cells_.new_sockets[1].add(more.tcp_opened);
    }
    void found_down(bool down) override {
        const std::uint64_t before = cells_.down.get();
        if (down && before == 0) {
            cells_.down_since.set(static_cast<std::uint64_t>(std::time(nullptr)));
        }
        cells_.down.set(down ? before + 1 : before - 1);
    }

  private:
    UpstreamCells& cells_;
};

QueryMeter::QueryMeter(Metrics* metrics, std::size_t worker)
    : metrics_(metrics),
      index_(worker),
      own_cells_(metrics == nullptr ? std::make_unique<WorkerCells>() : nullptr),
      worker_cells_(metrics == nullptr ? own_cells_.get() : &metrics->worker(worker)) {}

QueryMeter::~QueryMeter() {
    end_batch();
    forwards(0, totals_);
}

void QueryMeter::asked(ZoneCells& cells, const Asked& asked) {
    const bool tcp = asked.client.tcp;
    const bool v6 = asked.client.peer.any.sa_family == AF_INET6;
    cells.requests[tcp][v6][type_place(asked.query.qtype)].add();
    cells.request_size[tcp].observe(asked.query.message.size());
    if (asked.query.dnssec_ok) {
        cells.dnssec_requests.add();
    }
    if (asked.started != now_) {  // it has waited for an upstream
        cells.duration.observe(nanoseconds_of(Clock::now() - asked.started));
    } else if (cells.unmeasured++ == 0) {
        unmeasured_.push_back(&cells);
    }
}

void QueryMeter::replied(ZoneCells& cells, const Asked& asked_was,
                         std::span<const std::uint8_t> reply, Author author) {
    asked(cells, asked_was);
    cells.response_size[asked_was.client.tcp].observe(reply.size());
    const unsigned rcode = reply[3] & zones::header::kRcodeMask;
    cells.responses[static_cast<std::size_t>(author)][rcode].add();
}

void QueryMeter::left_without_reply(ZoneCells& cells, const Asked& asked_was) {
    asked(cells, asked_was);
}

void QueryMeter::template_matched(const ZoneSeries& of, const std::string& zone,
                                  const zones::Query& query, const char* section,
                                  const std::string& text) {
    if (metrics_ == nullptr) {
        return;
    }
    TemplateKey key{&of, zone, class_place(query.qclass), type_place(query.qtype)};
    auto known = template_matches_.find(key);
    if (known == template_matches_.end()) {
        auto& series =
            metrics_->counter(metric::kTemplateMatches, template_labels(of, zone, query));
        known = template_matches_.emplace(std::move(key), &series.cells[index_].count).first;
    }
    known->second->add();
    if (*section != '\0') {
        Labels labels = template_labels(of, zone, query);
        labels.emplace_back("section", section);
        labels.emplace_back("template", text);
        metrics_->rare().add(metric::kTemplateRrFailures, labels);
    }
}

void QueryMeter::end_batch() {
    if (unmeasured_.empty()) {
        return;
    }
    const std::uint64_t passed = nanoseconds_of(Clock::now() - now_);
    for (ZoneCells* cells : unmeasured_) {
        cells->duration.observe(passed, std::exchange(cells->unmeasured, 0));
    }
    unmeasured_.clear();
}

resolver::UpstreamMeter* QueryMeter::meter_of(const resolver::Upstream& upstream) {
    if (metrics_ == nullptr) {
        return nullptr;
    }
    const std::string to = upstream_text(upstream);
    auto& meter = upstreams_[to];
    if (meter == nullptr) {
        meter = std::make_unique<ForwardMeter>(metrics_->upstream(to).cells[index_]);
    }
    return meter.get();
}

void QueryMeter::forwards(std::size_t waiting, const resolver::ForwardCounters& totals) {
    WorkerCells& cells = *worker_cells_;
    // Another pipeline of this worker, before or after a reload, may have some as well.
    cells.pending_forwards.set(cells.pending_forwards.get() - waiting_ + waiting);
    waiting_ = waiting;
    cells.merged_forwards.add(totals.merged - totals_.merged);
    cells.failovers.add(totals.failovers - totals_.failovers);
    cells.all_down.add(totals.all_down - totals_.all_down);
    totals_ = totals;
}

}  // namespace server

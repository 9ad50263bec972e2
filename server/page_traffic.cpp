#include <algorithm>
#include <cmath>
#include <limits>

#include "server/html_table.h"
#include "server/page_chart.h"
#include "server/page_parts.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
constexpr auto kNow = 10s;  // what is called now is the mean of

/// `0.25 ms`, `2 s`: what a bucket of durations reaches up to.
std::string bound_text(int bucket) {
    if (bucket < 0) {
        return "–";
    }
    const bool over = static_cast<std::size_t>(bucket) >= TimeScale::kBounds;
    const double bound =
        TimeScale::bound(over ? TimeScale::kBounds - 1 : static_cast<std::size_t>(bucket));
    std::string text;
    if (bound >= 1) {
        text = std::to_string(std::lround(bound)) + " s";
    } else if (bound < 0.001) {
        text = std::to_string(bound * 1000).substr(0, bucket == 0 ? 4 : 3) + " ms";
    } else {
        text = std::to_string(std::lround(bound * 1000)) + " ms";
    }
    return over ? "over " + text : text;
}

std::string rate_text(double rate) {
    if (rate == 0 || rate >= 10) {
        return grouped(static_cast<std::uint64_t>(std::llround(rate)));
    }
    const auto tenths = std::lround(rate * 10);
    if (tenths == 0) {
        return "under 0.1";
    }
    return std::to_string(tenths / 10) +
           (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10));
}

double share(std::uint64_t part, std::uint64_t all) {
    return all == 0 ? kNoValue : 100 * static_cast<double>(part) / static_cast<double>(all);
}

std::string share_text(std::uint64_t part, std::uint64_t all) {
    return percent_text(static_cast<double>(part), static_cast<double>(all));
}

double highest(const std::vector<double>& values) {
    double most = 0;
    for (const double value : values) {
        most = std::isnan(value) ? most : std::max(most, value);
    }
    return most;
}

template <typename Value>
std::vector<double> values_of(const std::vector<TrafficPoint>& points, Value value) {
    std::vector<double> values;
    values.reserve(points.size());
    for (const TrafficPoint& point : points) {
        values.push_back(value(point));
    }
    return values;
}

Chart rate_chart(const std::vector<TrafficPoint>& points, const TrafficPoint& now) {
    Chart chart{.title = "Replies a second"};
    chart.lines = {{"now", rate_text(now.rate),
                    values_of(points, [](const auto& point) { return point.rate; })}};
    const double most = highest(chart.lines[0].values);
    chart.top = round_above(most, 1);
    chart.top_text = rate_text(chart.top);
    chart.summary = "Replies a second: now " + rate_text(now.rate) + ", at most " + rate_text(most);
    return chart;
}

Chart share_chart(const std::vector<TrafficPoint>& points, const TrafficPoint& now) {
    Chart chart{.title = "Share of replies"};
    chart.lines = {
        {"NXDOMAIN", share_text(now.nxdomain, now.replies),
         values_of(points, [](const auto& point) { return share(point.nxdomain, point.replies); })},
        {"SERVFAIL", share_text(now.servfail, now.replies),
         values_of(points,
                   [](const auto& point) { return share(point.servfail, point.replies); })}};
    const double nxdomain = highest(chart.lines[0].values);
    const double servfail = highest(chart.lines[1].values);
    chart.top = std::min(round_above(std::max(nxdomain, servfail), 5), 100.0);
    chart.top_text = percent_text(chart.top, 100);
    chart.summary = "Share of NXDOMAIN: now " + chart.lines[0].now + ", at most " +
                    percent_text(nxdomain, 100) + "; of SERVFAIL: now " + chart.lines[1].now +
                    ", at most " + percent_text(servfail, 100);
    return chart;
}

Chart time_chart(const std::vector<TrafficPoint>& points, const TrafficPoint& now) {
    const auto level = [](int bucket) { return bucket < 0 ? kNoValue : bucket + 1.0; };
    Chart chart{.title = "Time to the reply"};
    chart.lines = {{"half within", bound_text(now.half),
                    values_of(points, [&](const auto& point) { return level(point.half); })},
                   {"99 % within", bound_text(now.most),
                    values_of(points, [&](const auto& point) { return level(point.most); })}};
    chart.top = std::max(highest(chart.lines[1].values), level(4));
    chart.top_text = bound_text(static_cast<int>(chart.top) - 1);
    chart.summary = "Time to the reply, now: half within " + chart.lines[0].now + ", 99 % within " +
                    chart.lines[1].now;
    return chart;
}

void write_rcodes(HtmlText& out, const Metrics::Totals& totals) {
    std::uint64_t all = 0;
    for (const std::uint64_t count : totals.responses) {
        all += count;
    }
    HtmlText caption;
    caption.add("Replies <span class=\"soft\">since the start; ")
        .number(totals.messages)
        .add(" queries came, ")
        .number(totals.forwarded)
        .add(" were forwarded, ")
        .number(totals.waiting)
        .add(" wait</span>");
    HtmlTable table(out, caption, {{"Response code"}, {"Replies", true}, {"Share", true}});
    for (std::size_t rcode = 0; rcode < totals.responses.size(); ++rcode) {
        if (totals.responses[rcode] > 0) {
            table.row(rcode_at(rcode));
            table.cell(rcode_at(rcode));
            table.cell().number(totals.responses[rcode]);
            table.cell(share_text(totals.responses[rcode], all));
        }
    }
    table.end();
}

void write_cache_table(HtmlText& out, const std::vector<StatusReport::Cache>& caches) {
    HtmlTable table(out, HtmlText().add("Cache <span class=\"soft\">since the start</span>"),
                    {{"Server and zones"},
                     {"Hits", true},
                     {"Misses", true},
                     {"Hit share", true},
                     {"Answers kept", true},
                     {"Denials kept", true}});
    for (const StatusReport::Cache& cache : caches) {
        std::string of;
        for (const auto& label : cache.labels) {
            of += (of.empty() ? "" : " ") + label.second;
        }
        table.row(of);
        table.cell().add("<span class=\"name\">").text(of).add("</span>");
        table.cell().number(cache.counts.hits);
        table.cell().number(cache.counts.misses);
        table.cell(share_text(cache.counts.hits, cache.counts.hits + cache.counts.misses));
        table.cell().number(cache.successes).add(" of ").number(cache.success_capacity);
        table.cell().number(cache.denials).add(" of ").number(cache.denial_capacity);
    }
    table.end();
}

}  // namespace

std::optional<TrafficPoint> recent(const std::vector<TrafficSample>& samples,
                                   std::chrono::seconds back) {
    if (samples.size() < 2) {
        return std::nullopt;
    }
    const auto from = std::ranges::find_if(
        samples, [&](const auto& sample) { return samples.back().at - sample.at <= back; });
    return point_between(from == samples.end() - 1 ? *(from - 1) : *from, samples.back());
}

void write_traffic(HtmlText& out, const StatusReport& report,
                   const std::vector<TrafficSample>& samples, Clock::time_point now) {
    const auto points = points_of(samples);
    const TrafficPoint latest = recent(samples, kNow).value_or(TrafficPoint{.at = now, .span = {}});
    std::vector<double> ages = values_of(points, [&](const TrafficPoint& point) {
        return std::max(std::chrono::duration<double>(now - point.at).count(), 0.0);
    });
    out.add(
        "<section aria-labelledby=\"traffic\"><h2 id=\"traffic\">Rates and latency</h2>\n"
        "<div class=\"grid three\" id=\"charts\" data-live>\n");
    for (Chart chart :
         {rate_chart(points, latest), share_chart(points, latest), time_chart(points, latest)}) {
        chart.length = TrafficHistory::kLength;
        chart.ages = ages;
        write_chart(out, chart);
    }
    out.add("</div>\n<div class=\"grid part\" id=\"counts\" data-live><div>");
    write_rcodes(out, report.totals);
    out.add("</div>");
    if (!report.caches.empty()) {
        out.add("<div>");
        write_cache_table(out, report.caches);
        out.add("</div>");
    }
    out.add("</div></section>\n");
}

}  // namespace server

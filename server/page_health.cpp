#include <algorithm>

#include "server/html_table.h"
#include "server/joined.h"
#include "server/page_parts.h"

namespace server {
namespace {

using namespace std::chrono_literals;

/// Bookmarks come each minute, and a watch that is silent for 80 s is begun anew.
constexpr auto kSilent = 120s;
constexpr std::uint64_t kFewReplies = 50;
constexpr std::uint64_t kFailing = 20;  // one in 20 replies

void add_concerns(const StatusReport::Cluster& cluster, std::vector<Concern>& concerns) {
    const std::string zones = joined(cluster.zones, ", ");
    if (cluster.stale) {
        concerns.push_back({false, zones +
                                       " is answered from a snapshot of an earlier run: the API "
                                       "server has not been listed yet."});
    } else if (!cluster.synced) {
        concerns.push_back({true, "Names of " + zones +
                                      " are not answered: the API server has not "
                                      "been listed yet."});
    }
    for (const auto& resource : cluster.resources) {
        if (resource.age > kSilent) {
            concerns.push_back({false, "The API server says nothing of " + resource.resource +
                                           ": what is answered may be old."});
        }
    }
}

void write_clusters(HtmlText& out, const StatusReport& report) {
    HtmlTable table(out, HtmlText().add("Cluster zones"),
                    {{"Zones"}, {"State"}, {"Services", true}, {"Namespaces", true}, {"Changed"}});
    for (const StatusReport::Cluster& cluster : report.clusters) {
        table.row(joined(cluster.zones, ", "));
        table.cell().add("<span class=\"name\">").text(joined(cluster.zones, ", ")).add("</span>");
        if (cluster.stale) {
            write_state(table.cell(), StateMark::Warning, "from a snapshot");
        } else if (cluster.synced) {
            write_state(table.cell(), StateMark::Ok,
                        cluster.from_api ? "synced" : "read from manifests");
        } else {
            write_state(table.cell(), StateMark::Bad, "not read yet");
        }
        table.cell().number(cluster.services);
        table.cell().number(cluster.namespaces);
        table.cell(cluster.last_change ? span_text(*cluster.last_change) + " ago" : "never");
    }
    table.end();
}

void write_resources(HtmlText& out, const StatusReport::Cluster& cluster) {
    HtmlText caption;
    caption.add("API watch <span class=\"soft\">of ")
        .text(joined(cluster.zones, ", "))
        .add("</span>");
    HtmlTable table(out, caption, {{"Resource"}, {"Last heard"}, {"Objects", true}});
    for (const auto& resource : cluster.resources) {
        table.row(resource.resource);
        table.cell(resource.resource);
        const double age = std::chrono::duration<double>(resource.age).count();
        if (age < 0) {
            write_state(table.cell(), StateMark::Bad, "never");
        } else {
            write_state(table.cell(), resource.age > kSilent ? StateMark::Warning : StateMark::Ok,
                        span_text(age) + " ago");
        }
        table.cell().number(resource.objects);
    }
    table.end();
}

void write_upstream_table(HtmlText& out, const StatusReport& report) {
    HtmlTable table(out, HtmlText().add("Upstreams"),
                    {{"Address"}, {"State"}, {"Queries", true}, {"Failed", true}});
    for (const Metrics::UpstreamTotals& upstream : report.upstreams) {
        table.row(upstream.to);
        table.cell().add("<span class=\"name\">").text(upstream.to).add("</span>");
        write_state(table.cell(), upstream.down ? StateMark::Bad : StateMark::Ok,
                    upstream.down ? "down" : "up");
        table.cell().number(upstream.queries);
        table.cell()
            .number(upstream.failures)
            .add(" <span class=\"soft\">(")
            .text(percent_text(static_cast<double>(upstream.failures),
                               static_cast<double>(upstream.queries)))
            .add(")</span>");
    }
    table.end();
}

}  // namespace

std::vector<Concern> concerns_of(const StatusReport& report,
                                 const std::vector<TrafficSample>& samples) {
    std::vector<Concern> concerns;
    for (const StatusReport::Cluster& cluster : report.clusters) {
        add_concerns(cluster, concerns);
    }
    for (const Metrics::UpstreamTotals& upstream : report.upstreams) {
        if (upstream.down) {
            concerns.push_back({false, "Upstream " + upstream.to + " does not answer."});
        }
    }
    const auto minute = recent(samples, 60s);
    if (minute && minute->servfail >= kFewReplies &&
        minute->servfail * kFailing >= minute->replies) {
        concerns.push_back({false, "Many replies of the last minute are SERVFAIL."});
    }
    return concerns;
}

std::string verdict_text(const std::vector<Concern>& concerns) {
    if (concerns.empty()) {
        return "all is well";
    }
    return concerns.size() == 1 ? "one thing needs attention"
                                : std::to_string(concerns.size()) + " things need attention";
}

void write_verdict(HtmlText& out, const std::vector<Concern>& concerns) {
    const bool bad = std::ranges::any_of(concerns, &Concern::bad);
    out.add("<div id=\"verdict\" data-live role=\"status\" class=\"verdict ");
    const auto mark = concerns.empty() ? StateMark::Ok : bad ? StateMark::Bad : StateMark::Warning;
    out.text(mark == StateMark::Ok ? "ok" : bad ? "bad" : "warn").add("\"><p>");
    std::string text = verdict_text(concerns);
    text.front() = static_cast<char>(text.front() & ~0x20);
    write_state(out, mark, text + ".");
    out.add("</p>");
    if (!concerns.empty()) {
        out.add("<ul>");
        for (const Concern& concern : concerns) {
            out.add("<li>").text(concern.text).add("</li>");
        }
        out.add("</ul>");
    }
    out.add("</div>\n");
}

void write_health(HtmlText& out, const StatusReport& report) {
    out.add(
        "<section aria-labelledby=\"health\"><h2 id=\"health\">Health</h2>\n"
        "<div class=\"grid\" id=\"health-tables\" data-live>\n");
    if (report.clusters.empty()) {
        out.add("<p class=\"empty\">No server block has <code>kubernetes</code>.</p>\n");
    } else {
        out.add("<div>");
        write_clusters(out, report);
        out.add("</div>");
    }
    for (const StatusReport::Cluster& cluster : report.clusters) {
        if (cluster.from_api) {
            out.add("<div>");
            write_resources(out, cluster);
            out.add("</div>");
        }
    }
    if (report.upstreams.empty()) {
        out.add("<p class=\"empty\">Nothing is forwarded: there are no upstreams.</p>\n");
    } else {
        out.add("<div>");
        write_upstream_table(out, report);
        out.add("</div>");
    }
    out.add("</div></section>\n");
}

}  // namespace server

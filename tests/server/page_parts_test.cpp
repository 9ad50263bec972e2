// The parts of the page out of values: what is said, and that nothing of it is markup.
#include "server/page_parts.h"

#include <cmath>

#include <doctest/doctest.h>

#include "server/page_chart.h"
#include "server/page_frame.h"
#include "tests/server/read_html.h"
#include "tests/server/texts.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Concern;
using server::concerns_of;
using server::HtmlText;
using server::ServicePage;
using server::ServiceRow;
using server::StatusReport;
using server::TopReport;
using server::TopRow;
using server::TrafficSample;

namespace {

const std::chrono::steady_clock::time_point kNow{5000s};

bool html_has(const HtmlText& html, std::string_view part) {
    return html.written().find(part) != std::string::npos;
}

StatusReport healthy() {
    StatusReport report{.workers = 2};
    report.clusters.push_back({.zones = {"cluster.local.", "in-addr.arpa."},
                               .from_api = true,
                               .synced = true,
                               .services = 12'345,
                               .namespaces = 7,
                               .last_change = 125.0,
                               .resources = {{"services", 99, 12'345, 3s}}});
    report.upstreams.push_back({"192.0.2.53:53", 2000, 10, false});
    report.totals.responses[0] = 900;
    report.totals.responses[3] = 100;
    report.totals.messages = 1001;
    return report;
}

std::vector<TrafficSample> minute(std::uint64_t replies, std::uint64_t servfail) {
    std::vector<TrafficSample> samples(2);
    samples[0].at = kNow - 60s;
    samples[1].at = kNow;
    samples[1].replies = replies;
    samples[1].servfail = servfail;
    samples[1].durations[0] = replies;
    return samples;
}

std::vector<std::string> concerns_in(const StatusReport& report,
                                     const std::vector<TrafficSample>& samples = {}) {
    std::vector<std::string> texts;
    for (const Concern& concern : concerns_of(report, samples)) {
        texts.push_back((concern.bad ? "bad: " : "") + concern.text);
    }
    return texts;
}

}  // namespace

TEST_CASE("a healthy server raises no concern") {
    CHECK(concerns_in(healthy()).empty());
    HtmlText out;
    server::write_verdict(out, {});
    CHECK(html_has(out, "role=\"status\" class=\"verdict ok\""));
    CHECK(read_html(out) == "All is well. ");
}

TEST_CASE("what needs attention is said without numbers that change") {
    StatusReport report = healthy();
    report.clusters[0].synced = false;
    CHECK(concerns_in(report) ==
          Texts{"bad: Names of cluster.local., in-addr.arpa. are not answered: the "
                "API server has not been listed yet."});
    report.clusters[0].stale = true;
    CHECK(concerns_in(report) ==
          Texts{"cluster.local., in-addr.arpa. is answered from a snapshot of an "
                "earlier run: the API server has not been listed yet."});
    report = healthy();
    report.clusters[0].resources[0].age = 121s;
    CHECK(concerns_in(report) ==
          Texts{"The API server says nothing of services: what is answered may be old."});
    report = healthy();
    report.upstreams[0].down = true;
    CHECK(concerns_in(report) == Texts{"Upstream 192.0.2.53:53 does not answer."});
    HtmlText out;
    server::write_verdict(out, concerns_of(report, {}));
    CHECK(html_has(out, "class=\"verdict warn\""));
    CHECK(read_html(out) == "One thing needs attention. Upstream 192.0.2.53:53 does not answer. ");
}

TEST_CASE("SERVFAIL counts when it is many, of many") {
    CHECK(concerns_in(healthy(), minute(1000, 50)) ==
          Texts{"Many replies of the last minute are SERVFAIL."});
    CHECK(concerns_in(healthy(), minute(1001, 50)).empty());
    CHECK(concerns_in(healthy(), minute(49, 49)).empty());
}

TEST_CASE("health: clusters, the watch and upstreams") {
    HtmlText out;
    server::write_health(out, healthy());
    const std::string text = read_html(out);
    INFO(text);
    CHECK(text.find("cluster.local., in-addr.arpa. synced 12,345 7 2 min ago") != text.npos);
    CHECK(text.find("services 3 s ago 12,345") != text.npos);
    CHECK(text.find("192.0.2.53:53 up 2,000 10 (0.5 %)") != text.npos);
    StatusReport report;
    HtmlText empty;
    server::write_health(empty, report);
    CHECK(read_html(empty).find("Nothing is forwarded") != std::string::npos);
}

TEST_CASE("traffic: what is now, what was, and since the start") {
    StatusReport report = healthy();
    report.caches.push_back({.labels = {{"server", "dns://:53"}, {"zones", "."}},
                             .successes = 10,
                             .denials = 2,
                             .success_capacity = 9984,
                             .denial_capacity = 9984,
                             .counts = {30, 10}});
    HtmlText out;
    auto samples = minute(1200, 12);
    server::write_traffic(out, report, samples, kNow);
    const std::string text = read_html(out);
    INFO(text);
    CHECK(text.find("Replies a second now 20 ") != text.npos);
    CHECK(text.find("NXDOMAIN 0 % SERVFAIL 1 % ") != text.npos);
    CHECK(text.find("half within 0.25 ms 99 % within 0.25 ms") != text.npos);
    CHECK(text.find("NXDOMAIN 100 10 %") != text.npos);
    CHECK(text.find("dns://:53 . 30 10 75 % 10 of 9,984 2 of 9,984") != text.npos);
    CHECK(html_has(out, "aria-label=\"Replies a second: now 20, at most 20\""));
    // Before there are two samples.
    HtmlText early;
    server::write_traffic(early, report, {}, kNow);
    CHECK(read_html(early).find("Replies a second now 0 ") != std::string::npos);
}

TEST_CASE("a chart's line is broken where nothing is known") {
    HtmlText out;
    server::Chart chart{.title = "Things"};
    chart.ages = {300, 298, 296, 200, 198, 0};
    chart.lines = {{"now", "1", {0, 1, 0.5, 0.5, NAN, 2}}};
    server::write_chart(out, chart);
    CHECK(html_has(out,
                   "<path class=\"first\" d=\"M0 99L0 99L2 1L4 50M100 50L100 50M300 1L300 1\"/>"));
    CHECK(html_has(out, "<path class=\"area\" d=\"M0 100L0 99L2 1L4 50L4 100Z"));
    CHECK(server::round_above(0, 1) == 1);
    CHECK(server::round_above(1.5, 1) == 2);
    CHECK(server::round_above(201, 1) == 500);
    CHECK(server::round_above(700, 1) == 1000);
}

TEST_CASE("services: readiness in words, pages as links") {
    using Kind = zones::ServiceRecords::Kind;
    ServicePage page{.all = 60, .troubled = 4, .matching = 32, .page = 2, .pages = 2};
    page.rows = {
        {.ns = "prod",
         .name = "web",
         .kind = Kind::ClusterIp,
         .cluster_ips = {"10.96.0.1", "fd00::1"},
         .ready = 1233,
         .endpoints = 1234},
        {.ns = "prod", .name = "db", .kind = Kind::Headless},
        {.ns = "prod", .name = "out", .kind = Kind::ExternalName, .target = "www.example.com."},
        {.ns = "prod", .name = "none", .kind = Kind::Nothing},
        {.ns = "dark",
         .name = "web",
         .kind = Kind::ClusterIp,
         .answered = false,
         .ready = 1,
         .endpoints = 1},
        {.ns = "prod", .name = "all", .kind = Kind::ClusterIp, .ready = 2, .endpoints = 2},
        {.ns = "prod", .name = "off", .kind = Kind::ClusterIp, .endpoints = 3}};
    HtmlText out;
    server::write_services(out, page, {.words = "a&b \"", .troubled = true}, false);
    const std::string text = read_html(out);
    INFO(text);
    CHECK(text.find("web prod cluster IP 10.96.0.1, fd00::1 1,233 of 1,234 ready") != text.npos);
    CHECK(text.find("all prod cluster IP 2 of 2 ready") != text.npos);
    CHECK(text.find("off prod cluster IP 0 of 3 ready") != text.npos);
    CHECK(text.find("db prod headless no endpoints") != text.npos);
    CHECK(text.find("out prod external name www.example.com. none") != text.npos);
    CHECK(text.find("none prod no address none") != text.npos);
    CHECK(text.find("web dark cluster IP 1 of 1 ready no answer") != text.npos);
    CHECK(text.find(
              "26 to 32 of 32 that match, of 60 in all 4 with endpoints missing or not ready") !=
          text.npos);
    CHECK(html_has(out, "value=\"a&amp;b &quot;\""));
    CHECK(html_has(out, "<option value=\"troubled\" selected>"));
    CHECK(html_has(out,
                   "href=\"/?q=a%26b%20%22&amp;show=troubled&amp;page=1#services\">Previous</a>"));
    CHECK_FALSE(html_has(out, ">Next<"));
}

TEST_CASE("who asks what: a table for each list, and a word where it is empty") {
    TopReport report{.seconds = 60, .queries = 10'000, .lists = {}};
    report.lists = {{"clients",
                     {{.what = "10.0.0.1", .pod = "prod/web-0", .pods = 1, .queries = 5000},
                      {.what = "10.0.0.2", .pods = 3, .queries = 10},
                      {.what = "10.0.0.3", .queries = 1}}},
                    {"wasted", {}},
                    {"errors", {{.what = "x.broken.", .rcode = "SERVFAIL", .queries = 20'000}}}};
    HtmlText out;
    server::write_top(out, report);
    const std::string text = read_html(out);
    INFO(text);
    CHECK(text.find("Who asks what 10,000 queries in 1 min Clients Client Queries Share prod/web-0 "
                    "10.0.0.1 5,000 50 % 10.0.0.2 3 pods "
                    "10 0.1 % 10.0.0.3 1 under 0.1 %") != text.npos);
    CHECK(text.find("Wasted tried with a search list first Name Queries Share None.") != text.npos);
    CHECK(text.find("x.broken. SERVFAIL 20,000 100 %") != text.npos);
}

TEST_CASE("whatever is in a value is text") {
    StatusReport report = healthy();
    report.clusters[0].zones = {kHostileText};
    report.clusters[0].resources[0].resource = kHostileText;
    report.clusters[0].resources[0].age = 500s;
    report.upstreams[0] = {kHostileText, 1, 1, true};
    report.caches.push_back({.labels = {{"server", kHostileText}}, .counts = {}});
    ServicePage page{.all = 1, .matching = 1};
    page.rows = {{.ns = kHostileText,
                  .name = kHostileText,
                  .cluster_ips = {kHostileText},
                  .zone = kHostileText},
                 {.kind = zones::ServiceRecords::Kind::ExternalName, .target = kHostileText}};
    HtmlText out;
    server::write_verdict(out, concerns_of(report, {}));
    server::write_health(out, report);
    server::write_traffic(out, report, {}, kNow);
    server::write_services(out, page, {.words = kHostileText}, true);
    const TopRow row{.what = kHostileText, .pod = kHostileText, .pods = 1, .rcode = kHostileText};
    server::write_top(out, {.seconds = 1, .queries = 1, .lists = {{"clients", {row}}}});
    const std::string whole = server::page_of({.title = kHostileText, .as_of = {}}, out);
    std::size_t scripts = 0;
    for (std::size_t at = 0; (at = whole.find("<script", at)) != whole.npos; ++at) {
        ++scripts;
    }
    CHECK(scripts == 1);
    CHECK(whole.find("alert(1)</script>") == whole.npos);
    CHECK(whole.find("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;") != whole.npos);
    CHECK(whole.find("As of 00:00:00 UTC") != whole.npos);
}

// The parts of the page: what is known, as HTML.
// Each writes one part out of values; knows neither where these come from nor HTTP. Parts that
// change have an id and `data-live`, by which page.js finds them in a newer page. Free functions;
// any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "server/html_text.h"
#include "server/service_list.h"
#include "server/status_report.h"
#include "server/top_report.h"
#include "server/traffic_history.h"

namespace server {

/// What needs attention, in one sentence without numbers that change: it is read out.
struct Concern {
    bool bad = false;  // names are not answered
    std::string text;
};
std::vector<Concern> concerns_of(const StatusReport& report,
                                 const std::vector<TrafficSample>& samples);

/// `all is well`, `2 things need attention`
std::string verdict_text(const std::vector<Concern>& concerns);
void write_verdict(HtmlText& out, const std::vector<Concern>& concerns);

void write_health(HtmlText& out, const StatusReport& report);

void write_traffic(HtmlText& out, const StatusReport& report,
                   const std::vector<TrafficSample>& samples,
                   std::chrono::steady_clock::time_point now);

void write_top(HtmlText& out, const TopReport& report);

/// `zones`: there are several clusters.
void write_services(HtmlText& out, const ServicePage& page, const ServiceFilter& filter,
                    bool zones);

/// From a sample some seconds old, `back`, or the oldest, to the last; empty with less than two.
std::optional<TrafficPoint> recent(const std::vector<TrafficSample>& samples,
                                   std::chrono::seconds back);

}  // namespace server

#include "server/page_routes.h"

#include <charconv>

#include "server/config_plugins.h"
#include "server/html_table.h"
#include "server/page_assets.h"
#include "server/page_explanation.h"
#include "server/page_frame.h"
#include "server/page_parts.h"
#include "server/status_report.h"
#include "server/version.h"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostOfList = 8;  // of who asks what

std::string content_type_of(std::string_view file) {
    if (file.ends_with(".css")) {
        return "text/css; charset=utf-8";
    }
    return file.ends_with(".js") ? "text/javascript; charset=utf-8" : "image/svg+xml";
}

ServiceFilter filter_of(const StatusRequest& request) {
    ServiceFilter filter{.words = std::string(request.parameter("q").substr(0, 253)),
                         .troubled = request.parameter("show") == "troubled"};
    const auto page = request.parameter("page");
    std::from_chars(page.data(), page.data() + page.size(), filter.page);
    return filter;
}

std::vector<ClusterServices> services_of(const Instance& instance) {
    std::vector<ClusterServices> clusters;
    for (const Block& block : instance.routing.blocks) {
        if (block.cluster != nullptr) {
            const auto& zones = block.config->kubernetes->options.zones;
            clusters.push_back({zones.empty() ? "" : zones.front().to_string(),
                                block.cluster->published().value()});
        }
    }
    return clusters;
}

void write_lead(HtmlText& out, const StatusReport& report) {
    out.add("<div class=\"lead\"><h1>DNS on ").text(host_name()).add("</h1>");
    out.add("<p class=\"soft\" id=\"lead\" data-live>Keryx ").text(kVersion);
    out.add(" · up ").text(span_text(report.uptime)).add(" · ").number(report.workers);
    out.text(report.workers == 1 ? " worker" : " workers").add("</p></div>\n");
}

StatusReply document(PageFrame frame, const HtmlText& main) {
    frame.as_of = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {.content_type = "text/html; charset=utf-8", .body = page_of(frame, main)};
}

StatusReply front_page(const StatusRequest& request, const StatusSources& sources) {
    const auto instance = sources.instance();
    const StatusReport report = status_report(*instance, sources.metrics, sources.started);
    const auto samples = sources.history.samples();
    const auto concerns = concerns_of(report, samples);
    HtmlText main;
    write_lead(main, report);
    write_verdict(main, concerns);
    write_ask_form(main, {});
    write_health(main, report);
    write_traffic(main, report, samples, std::chrono::steady_clock::now());
    if (instance->routing.top != nullptr) {
        write_top(main, top_report(*instance, "", kMostOfList));
    }
    const auto clusters = services_of(*instance);
    if (!clusters.empty()) {
        const ServiceFilter filter = filter_of(request);
        write_services(main, list_services(clusters, filter), filter, clusters.size() > 1);
    }
    return document({.title = "Keryx: " + verdict_text(concerns)}, main);
}

void write_error(HtmlText& out, std::string_view why) {
    out.add("<div role=\"status\" class=\"verdict bad\"><p>");
    write_state(out, StateMark::Bad, "No explanation:");
    out.add(" ").text(why).add("</p></div>\n");
}

std::string json_path(const ExplainRequest& asked) {
    HtmlText path;
    path.add("/api/explain?name=").query_part(asked.name);
    path.add("&type=").query_part(asked.type).add("&from=").query_part(asked.from);
    path.add("&namespace=").query_part(asked.ns);
    return std::move(path).written();
}

/// Nothing is asked yet without a name. What is asked is asked again, so that the page follows what
/// changes.
StatusReply explanation_page(const StatusRequest& request, const Explain& explain) {
    const ExplainRequest asked = explain_request(request);
    HtmlText main;
    main.add("<div class=\"lead\"><h1>Explain a name</h1></div>\n");
    write_ask_form(main, asked);
    if (asked.name.empty()) {
        return document({.title = "Keryx: explain a name", .refresh = 0s}, main);
    }
    const auto explanation = explain(asked);
    if (!explanation) {
        write_error(main, explanation.error().body);
        StatusReply reply = document({.title = "Keryx: no explanation", .refresh = 0s}, main);
        reply.status = explanation.error().status;
        return reply;
    }
    write_explanation(main, *explanation);
    return document(
        {.title = "Keryx: " + asked.name + (explanation->found ? " is found" : " is not found"),
         .refresh = 5s,
         .json = json_path(asked)},
        main);
}

}  // namespace

void add_page(StatusRoutes& routes, const StatusSources& sources, const Explain& explain) {
    routes["/"] = [sources](const StatusRequest& request) { return front_page(request, sources); };
    routes["/explain"] = [explain](const StatusRequest& request) {
        return explanation_page(request, explain);
    };
    for (const PageAsset& asset : page_assets()) {
        routes["/" + std::string(asset.name)] = [asset](const StatusRequest& /*request*/) {
            return StatusReply{.content_type = content_type_of(asset.name),
                               .body = std::string(asset.text)};
        };
    }
}

}  // namespace server

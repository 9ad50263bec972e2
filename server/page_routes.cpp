#include "server/page_routes.h"

#include <charconv>

#include "server/config_plugins.h"
#include "server/page_assets.h"
#include "server/page_frame.h"
#include "server/page_parts.h"
#include "server/status_report.h"
#include "server/version.h"

namespace server {
namespace {

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

std::string front_page(const StatusRequest& request, const StatusSources& sources) {
    const auto instance = sources.instance();
    const StatusReport report = status_report(*instance, sources.metrics, sources.started);
    const auto samples = sources.history.samples();
    const auto concerns = concerns_of(report, samples);
    HtmlText main;
    write_lead(main, report);
    write_verdict(main, concerns);
    write_health(main, report);
    write_traffic(main, report, samples, std::chrono::steady_clock::now());
    const auto clusters = services_of(*instance);
    if (!clusters.empty()) {
        const ServiceFilter filter = filter_of(request);
        write_services(main, list_services(clusters, filter), filter, clusters.size() > 1);
    }
    return page_of(
        {.title = "Keryx: " + verdict_text(concerns),
         .as_of = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())},
        main);
}

}  // namespace

void add_page(StatusRoutes& routes, const StatusSources& sources) {
    routes["/"] = [sources](const StatusRequest& request) {
        return StatusReply{.content_type = "text/html; charset=utf-8",
                           .body = front_page(request, sources)};
    };
    for (const PageAsset& asset : page_assets()) {
        routes["/" + std::string(asset.name)] = [asset](const StatusRequest& /*request*/) {
            return StatusReply{.content_type = content_type_of(asset.name),
                               .body = std::string(asset.text)};
        };
    }
}

}  // namespace server

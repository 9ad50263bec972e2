#include "server/status_routes.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "server/config_values.h"
#include "server/explain_route.h"
#include "server/page_routes.h"
#include "server/status_report.h"
#include "server/top_report.h"

namespace server {
namespace {

/// `?list=NAME&n=N`
StatusReply top_reply(const StatusRequest& request, const Instance& instance) {
    const std::string_view list = request.parameter("list");
    if (!list.empty() && std::ranges::find(kTopLists, list) == std::end(kTopLists)) {
        return status_error(400,
                            "no such list; there are clients, names, nxdomain, wasted, leaked "
                            "and errors");
    }
    const std::string_view text = request.parameter("n");
    const auto most = text.empty() ? std::optional<std::int64_t>(20) : parse_integer(text);
    if (!most || *most < 1 || *most > static_cast<std::int64_t>(kMostOfTop)) {
        return status_error(400, "n must be 1 to 100");
    }
    if (instance.routing.top == nullptr) {
        return status_error(503, "nothing is counted");
    }
    return {.body = top_json(top_report(instance, list, static_cast<std::size_t>(*most)))};
}

}  // namespace

StatusRoutes status_routes(const StatusSources& sources) {
    StatusRoutes routes;
    const Explain explain = explain_with(sources.instance);
    routes["/api/explain"] = explain_route(explain);
    routes["/api/status"] = [sources](const StatusRequest& /*request*/) {
        const auto instance = sources.instance();
        return StatusReply{
            .body = status_json(status_report(*instance, sources.metrics, sources.started))};
    };
    add_page(routes, sources, explain);
    routes["/api/top"] = [sources](const StatusRequest& request) {
        return top_reply(request, *sources.instance());
    };
    return routes;
}

}  // namespace server

#include "server/status_routes.h"

#include "server/explain_route.h"
#include "server/page_routes.h"
#include "server/status_report.h"

namespace server {

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
    return routes;
}

}  // namespace server

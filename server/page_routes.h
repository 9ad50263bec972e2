// The page of `status`: which paths show it, and where its
// values come from.
// Free function; the handlers run on any thread of the status server.
#pragma once

#include "server/explain_route.h"
#include "server/status_routes.h"

namespace server {

/// `/`, `/explain`, and the files that they load.
void add_page(StatusRoutes& routes, const StatusSources& sources, const Explain& explain);

}  // namespace server

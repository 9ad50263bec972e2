// The page of `status`: which paths show it, and where its values come from.
// Free function; the handlers run on any thread of the status server.
#pragma once

#include "server/status_routes.h"

namespace server {

/// `/` and the files that it loads.
void add_page(StatusRoutes& routes, const StatusSources& sources);

}  // namespace server

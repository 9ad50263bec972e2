// Which sockets a running process hands to the one that takes over.
// A free function; on the main thread.
#pragma once

#include <initializer_list>
#include <vector>

#include "server/http_listeners.h"
#include "server/takeover.h"
#include "server/workers.h"

namespace server {

std::vector<PassedSocket> passed_sockets(const Workers& workers,
                                         std::initializer_list<const HttpListeners*> http);

}  // namespace server

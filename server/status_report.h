// What the process knows of itself, as JSON: `/api/status`.
// Reads what others keep: an instance, the metrics. Free functions; any thread.
#pragma once

#include <chrono>
#include <string>

#include "server/instance.h"
#include "server/metrics.h"

namespace server {

std::string status_json(const Instance& instance, const Metrics& metrics,
                        std::chrono::steady_clock::time_point started);

}  // namespace server

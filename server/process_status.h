// What /proc says of this process, as the process_* metrics of Prometheus's own clients.
// Knows proc(5). Functions without state; any thread.
#pragma once

#include <vector>

#include "server/rare_metrics.h"

namespace server {

/// Appends; what cannot be read is left out.
void read_process_status(std::vector<Sample>& samples);

/// Seconds since 1970. Once is enough: it would wander with the clock, as if the process were new.
double process_start_time();

}  // namespace server

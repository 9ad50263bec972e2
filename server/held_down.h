// Which upstreams the workers hold to be down, and since when.
// Reads what they count; a value and a free function. Any thread.
#pragma once

#include <string>
#include <vector>

#include "server/metrics.h"

namespace server {

struct HeldDown {
    std::string to;     // `192.0.2.53:53`
    std::string since;  // `2026-11-23T08:00:00Z` (RFC 3339 §5.6)
};

/// Null: nobody counts, and none is known.
std::vector<HeldDown> held_down(const Metrics* metrics);

}  // namespace server

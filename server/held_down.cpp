#include "server/held_down.h"

#include <ctime>

#include <fmt/format.h>

namespace server {
namespace {

std::string utc_text(std::time_t unix_time) {
    std::tm utc{};
    gmtime_r(&unix_time, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

std::vector<HeldDown> held_down(const Metrics* metrics) {
    std::vector<HeldDown> held;
    for (const auto& upstream :
         metrics == nullptr ? std::vector<Metrics::UpstreamTotals>() : metrics->upstreams()) {
        if (upstream.down) {
            held.push_back({upstream.to, utc_text(upstream.down_since)});
        }
    }
    return held;
}

}  // namespace server

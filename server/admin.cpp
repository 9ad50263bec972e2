#include "server/admin.h"

#include <algorithm>
#include <utility>

namespace server {

Admin::Admin(std::function<bool()> stuck, RareMetrics& metrics, k8s_client::Journal& journal)
    : stuck_(std::move(stuck)),
      metrics_(metrics),
      journal_(journal),
      readiness_(std::make_unique<Readiness>(journal)),
      responder_({}, &metrics) {}

Admin::Prepared Admin::prepare(const Config& config, const HttpHandler& metrics,
                               std::vector<InheritedHttpListener> inherited) const {
    const HttpHandler health = [this]() -> HttpReply {
        if (stuck_()) {
            return {.status = 503, .body = "A worker's loop is stuck"};
        }
        return {.status = 200, .body = "OK"};
    };
    const HttpHandler ready = [this] { return readiness_->reply(); };
    std::vector<HttpEndpoint> endpoints;
    Prepared prepared;
    for (const ServerBlock& block : config.blocks) {
        if (block.health) {
            endpoints.push_back({block.health->listen, "/health", health});
        }
        if (block.ready) {
            endpoints.push_back({block.ready->listen, "/ready", ready});
            prepared.continuously = prepared.continuously || block.ready->continuously;
        }
        if (block.prometheus) {
            endpoints.push_back({block.prometheus->listen, "/metrics", metrics});
        }
    }
    prepared.listeners = responder_.prepare(endpoints, std::move(inherited));
    return prepared;
}

void Admin::commit(Prepared prepared, std::vector<ReadyCheck> checks) {
    readiness_->watch(std::move(checks), prepared.continuously);
    std::vector<Listen> probed;
    for (const HttpListener& listener : prepared.listeners) {
        if (listener.paths.contains("/health")) {
            probed.push_back(listener.bound);
        }
    }
    if (probed != probed_) {
        probe_.reset();  // before its address goes
    }
    responder_.commit(std::move(prepared.listeners));
    if (!probe_ && !probed.empty()) {
        probe_ = std::make_unique<HealthProbe>(probed, metrics_, journal_);
    }
    probed_ = std::move(probed);
}

std::vector<ReadyCheck> ready_checks(const Routing& routing) {
    std::vector<ReadyCheck> checks;
    for (const Block& block : routing.blocks) {
        if (block.config->ready && block.cluster != nullptr) {
            checks.push_back(
                {"kubernetes", [&cluster = *block.cluster] { return cluster.ready(); }});
        }
    }
    return checks;
}

std::chrono::nanoseconds lameduck_of(const Config& config) {
    std::chrono::nanoseconds longest{0};
    for (const ServerBlock& block : config.blocks) {
        longest = std::max(longest, block.health ? block.health->lameduck : longest);
    }
    return longest;
}

}  // namespace server

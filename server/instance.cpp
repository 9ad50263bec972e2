#include "server/instance.h"

#include <algorithm>
#include <utility>

#include "server/routing_samples.h"
#include "server/sockets.h"

namespace server {
namespace {

std::shared_ptr<ClusterSource> running_source(const Instance& running, const Cluster* cluster) {
    for (std::size_t i = 0; i < running.routing.clusters.size(); ++i) {
        if (running.routing.clusters[i].get() == cluster) {
            return running.sources[i];
        }
    }
    return nullptr;
}

void add_sources(Instance& instance, zones::HashKey key, Metrics* metrics, OperatorLog& log,
                 const Instance* running) {
    for (const Block& block : instance.routing.blocks) {
        if (block.cluster == nullptr) {
            continue;
        }
        std::shared_ptr<ClusterSource> source;
        if (running != nullptr) {
            source = running_source(*running, block.cluster);
        }
        if (source == nullptr) {
            // What runs knows more than a file: only a start has nothing better.
            source = std::make_shared<ClusterSource>(*block.config->kubernetes, *block.cluster, key,
                                                     log, metrics, running == nullptr);
        }
        instance.sources.push_back(std::move(source));
    }
}

}  // namespace

std::shared_ptr<Instance> make_instance(Config config, zones::HashKey key,
                                        const RoutingNotices& notices, OperatorLog& log,
                                        const Instance* running) {
    auto instance = std::make_shared<Instance>();
    instance->config = std::move(config);
    instance->routing = make_routing(instance->config, listening_addresses(instance->config), key,
                                     notices, running == nullptr ? nullptr : &running->routing);
    add_sources(*instance, key, notices.metrics, log, running);
    instance->hosts_reloader = std::make_unique<HostsReloader>(instance->routing.hosts, log);
    if (notices.metrics != nullptr) {
        instance->reading = notices.metrics->show(
            [&routing = instance->routing](auto& samples) { read_routing(routing, samples); });
    }
    return instance;
}

}  // namespace server

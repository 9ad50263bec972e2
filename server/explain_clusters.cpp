#include "server/explain_clusters.h"

#include <algorithm>

namespace server {
namespace {

bool listens(const Block& block, const Route& route) {
    return std::ranges::any_of(block.config->keys, [&](const ZoneKey& key) {
        return std::ranges::find(key.listens, route.listen) != key.listens.end();
    });
}

/// Labels of the cluster's zone that has the name, and one; 0: none has.
std::size_t fit(const Block& block, const zones::Name& name) {
    const auto in_cluster = read_cluster_name(name, block.config->kubernetes->options);
    return in_cluster ? in_cluster->zone_labels + 1 : 0;
}

}  // namespace

ExplainClusters::ExplainClusters(const ColdPipeline& cold, const ExplainQuestion& question,
                                 const OpenDetails& open)
    : cold_(cold), question_(question), open_(open) {
    choose_route(question.name);
    for (const Block& block : cold_.routing().blocks) {
        if (own_ == nullptr && block.cluster != nullptr && listens(block, *route_)) {
            own_ = &block;
        }
    }
    take_snapshots();
}

void ExplainClusters::choose_route(const zones::Name& name) {
    route_ = &cold_.routing().routes.front();
    std::size_t best = 0;
    bool any = false;
    for (const Route& route : cold_.routing().routes) {
        for (const Block& block : cold_.routing().blocks) {
            if (block.cluster == nullptr || !listens(block, route)) {
                continue;
            }
            if (const std::size_t fits = fit(block, name); !any || fits > best) {
                best = fits;
                any = true;
                route_ = &route;
            }
        }
    }
}

std::optional<ExplainClusters::Place> ExplainClusters::place_of(const zones::Name& name) const {
    const Block* const block = cold_.block_for(name, question_.qtype, *route_);
    if (block == nullptr || block->cluster == nullptr) {
        return std::nullopt;
    }
    auto in_cluster = read_cluster_name(name, block->config->kubernetes->options);
    return in_cluster ? std::optional(Place{block, std::move(*in_cluster)}) : std::nullopt;
}

void ExplainClusters::take_snapshots() {
    snapshots_.clear();
    for (const auto& cluster : cold_.routing().clusters) {
        snapshots_.push_back(cluster->published().value());
    }
}

bool ExplainClusters::unchanged() const {
    const auto& clusters = cold_.routing().clusters;
    return std::ranges::equal(clusters, snapshots_, [](const auto& cluster, const auto& snapshot) {
        return cluster->published().value()->revision == snapshot->revision;
    });
}

k8s_client::DetailSource* ExplainClusters::details_of(const Block& block,
                                                      std::vector<std::string>& notes) {
    const auto [place, is_new] = details_.try_emplace(block.cluster_index);
    if (is_new) {
        try {
            place->second = open_(*block.config->kubernetes);
        } catch (const std::exception& error) {
            notes.push_back(printable(error.what()));
        }
    }
    return place->second.get();
}

}  // namespace server

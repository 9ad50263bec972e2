// The clusters that an explanation is about: in whose zone a name is, as the server routes it; what
// each had published; and who knows details of it.
// Borrows the cold pipeline. One thread; details are asked for, and may take seconds.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/cluster_name.h"
#include "server/cold_pipeline.h"
#include "server/explain.h"
#include "server/explain_question.h"

namespace server {

class ExplainClusters {
  public:
    /// Of several listeners with a cluster, the one whose zones have most of the name; else the
    /// first.
    ExplainClusters(const ColdPipeline& cold, const ExplainQuestion& question,
                    const OpenDetails& open);

    const Route& route() const { return *route_; }

    /// The first cluster of the listener, whose search list its pods have; null: there is none.
    const Block* own() const { return own_; }

    /// A name in a zone of the cluster whose server block it is asked of.
    struct Place {
        const Block* block = nullptr;  // with a cluster
        ClusterName name;
    };
    std::optional<Place> place_of(const zones::Name& name) const;

    /// What the clusters publish now is what the rest is about.
    void take_snapshots();
    /// None has published anything since.
    bool unchanged() const;
    const std::shared_ptr<const zones::Snapshot>& snapshot_of(const Block& block) const {
        return snapshots_.at(block.cluster_index);
    }

    /// Null if nobody can be asked, and then `notes` says why, once.
    k8s_client::DetailSource* details_of(const Block& block, std::vector<std::string>& notes);

  private:
    void choose_route(const zones::Name& name);

    const ColdPipeline& cold_;
    const ExplainQuestion& question_;
    const OpenDetails& open_;
    const Route* route_ = nullptr;
    const Block* own_ = nullptr;
    std::vector<std::shared_ptr<const zones::Snapshot>> snapshots_;  // by Block::cluster_index
    std::map<std::size_t, std::unique_ptr<k8s_client::DetailSource>> details_;
};

}  // namespace server

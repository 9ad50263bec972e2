// The cluster of one golden case: its objects through the decoder, its options, and a zone to ask.
// Knows every layer below the server; no socket, no thread.
#pragma once

#include <string>

#include "tests/golden/case_file.h"
#include "tests/support/cluster_answers.h"
#include "zones/cluster_store.h"
#include "zones/cluster_zone.h"

namespace golden {

struct CaseOptions {
    zones::ClusterOptions cluster;
    std::vector<zones::Address> listening;
    bool is_synced = true;
};

/// Throws CaseError.
CaseOptions make_options(const CaseFile& file);

class GoldenCluster {
  public:
    /// The SOA serial of all cases that have more than Namespaces.
    static constexpr std::uint32_t kSerial = 1;

    /// Throws CaseError if an object is wrong.
    explicit GoldenCluster(const CaseFile& file);

    support::Reply ask(const CaseQuery& query) const;

  private:
    GoldenCluster(const CaseFile& file, CaseOptions options);

    zones::ClusterStore store_;
    zones::ClusterZone zone_;
};

/// What differs from what was expected, empty if nothing. Sections are compared as sets.
std::string difference(const Expected& expected, const support::Reply& reply);

}  // namespace golden

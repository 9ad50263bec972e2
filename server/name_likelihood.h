// Which of the names that a resolver tries was meant, where none of them answers.
// Knows what exists in the cluster and what is spelled like it. A free function; any thread.
#pragma once

#include "server/cluster_name.h"
#include "zones/snapshot.h"

namespace server {

/// 0 to 80, more for what is more likely. `nodata`: the name exists.
unsigned likelihood_of(const ClusterName& name, bool nodata, const zones::Snapshot& snapshot);

}  // namespace server

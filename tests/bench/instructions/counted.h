// What callgrind counts, and where it is told so; count.py names these functions to it.
// In a unit of their own, and marked for link-time optimisation, so that they are called and not
// inlined.
#pragma once

#include <span>

#include "tests/bench/kubeadm_server.h"

namespace bench {

/// Counted: what a worker does with a batch that has arrived. With `log` the lines are not handed
/// over at its end: whether their reader sleeps just then is the scheduler's choice.
[[gnu::noinline]] void answer_batch(KubeadmServer& server, std::span<const Octets> queries,
                                    bool logged, bool together);

/// All that has been counted since the last call belongs together.
[[gnu::noinline]] void end_of_kind();

}  // namespace bench

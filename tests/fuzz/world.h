// A process in one thread: a Corefile with nearly every plugin, a small cluster, an upstream.
// Made anew once it has asked its upstream often, so that what waits stays bounded. One thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tests/fuzz/target.h"
#include "tests/server/corefile_rig.h"

namespace fuzz {

using server::testing::Octets;

class World : public server::testing::CorefileRig {
  public:
    World();

    /// A few rounds of the loop: what the upstream says at once has arrived.
    void settle();
    bool worn_out() const { return rounds_ > 20'000 || late().size() > 10'000; }

  private:
    unsigned rounds_ = 0;
};

/// The zones and objects that `world` has, for who builds another.
void add_objects(server::testing::Rig& rig);

/// Ends the process if `reply` is not one to `query`, or not well-formed in ldns' eyes, or longer
/// than it may be. `opaque_rdata`: of an upstream that says what it wants, so that ldns is not
/// asked.
void judge_reply(const Octets& query, Input reply, bool tcp, bool opaque_rdata = false);

}  // namespace fuzz

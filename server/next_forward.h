// `next` and `next_on_nodata`: a reply that the block's next `forward` line is asked instead of.
// Knows the configuration and the worker's forwarders; knows nothing of who asked. On a worker's
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "resolver/forward.h"
#include "server/routing.h"

namespace server {

/// Whether a name is that line's to ask: in FROM and not excepted. FROM itself always is, as with
/// CoreDNS.
bool serves(const ForwardConfig& config, zones::NameView qname);

/// A worker's forwarders, in the order of Routing::forwards.
using Forwarders = std::vector<std::unique_ptr<resolver::Forwarder>>;

/// Asks the forwarder at `index`; and where its line has `next` for the reply, the next line of the
/// block that serves the name, within what is left of 5 s. What that says, or fails with, counts.
/// All but the question must outlive the completion.
void ask_in_turn(const Routing& routing, const Forwarders& forwarders, std::size_t index,
                 const resolver::Question& question, resolver::Forwarder::Completion completion);

}  // namespace server

// What the process says of itself once it serves.
// Knows the configuration, settled; knows nothing of the log. A free function; any thread.
#pragma once

#include <string>
#include <vector>

#include "server/config.h"

namespace server {

/// In this order: a line per zone, as CoreDNS has them; per socket address; of each server block
/// its plugins, what it watches and where it forwards; the workers; the version; how it was built.
/// `listens` are the different ones of `config`.
std::vector<std::string> announcement(const Config& config, const std::vector<Listen>& listens,
                                      unsigned workers);

/// Of one server block: its plugins, what it watches, where it forwards.
std::vector<std::string> block_lines(const ServerBlock& block);

/// The version, and how it was built.
std::vector<std::string> version_lines();

}  // namespace server

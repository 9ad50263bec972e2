// Which `forward` line serves a name, and that line as text.
// Knows the configuration alone. Free functions; any thread.
#pragma once

#include <string>

#include "server/config.h"

namespace server {

/// Null if none does.
const ForwardConfig* forward_of(const ServerBlock& block, const zones::Name& name);

/// `192.0.2.53:53`, `[2001:db8::1]:53`
std::string upstream_text(const resolver::Upstream& upstream);

/// `. to 192.0.2.53:53 and 192.0.2.54:53`
std::string forward_text(const ForwardConfig& forward);

}  // namespace server

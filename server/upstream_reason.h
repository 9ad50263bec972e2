// What has kept upstreams from answering, in a few words for the client that asked.
// Knows failures of a forwarder; knows no query. Pure.
#pragma once

#include "resolver/forward.h"
#include "zones/reason.h"

namespace server {

/// RFC 8914 §4.23, §4.24; 0 where no upstream is to blame.
std::uint16_t extended_error_of(const resolver::ForwardFailure& failure);

/// `upstream 192.0.2.1:53 timed out`: of what an upstream is to blame for.
void add_reason(const resolver::ForwardFailure& failure, zones::ReasonText& out);

}  // namespace server

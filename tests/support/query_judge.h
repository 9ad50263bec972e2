// Holds our reading of a query against that of ldns, and against itself.
// For messages of tests and fuzzers: ldns must not see the network's. Free functions; one thread.
#pragma once

#include <string>

#include "zones/query.h"

namespace support {

/// Where ldns reads another question or another OPT out of `message` than we did; empty if it
/// agrees, or if the message has records that only ldns reads.
std::string disagreement(zones::Octets message, const zones::Query& query);

/// What is wrong with `query` in itself, whatever the verdict was, or with the refusal that is
/// written to it; empty if nothing.
std::string inconsistency(zones::Octets message, const zones::Query& query);

}  // namespace support

// A Corefile, or parts of it, as one text that is equal if the meaning is: for telling what a
// reload has changed. Knows the syntax of a Corefile and no plugin. Free functions; start-up and
// reload only.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/corefile.h"

namespace server {

/// Keys, and the directives with one of these names, in the Corefile's order; no names: all.
std::string written_as(const CorefileBlock& block, std::span<const std::string_view> names = {});

/// SHA-512 over all blocks, in hex.
std::string hash_of(const Corefile& corefile);

}  // namespace server

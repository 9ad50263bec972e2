// The kernel's table of this process's descriptors. Knows nothing of what they are.
#pragma once

#include <cstddef>

namespace server {

/// As many as four workers have connections (TcpLimits), or as RLIMIT_NOFILE allows.
constexpr std::size_t kDescriptors = 4096;

/// Makes room for that many. To be called before there are threads: with them, whoever opens the
/// descriptor that makes the table grow waits some 15 ms until no CPU can be reading the old one,
/// and all queries with him.
void reserve_descriptor_table();

}  // namespace server

// What the process may still do once it has read its command line (-no-sandbox: all it could).
// Knows the order of what is given up; the means are those of privileges.h and syscall_filter.h. On
// the main thread, before there is any other.
#pragma once

#include <string>
#include <vector>

namespace server {

/// Whatever the system refuses is a line of what is returned, and no reason not to serve: a DNS
/// server without a filter is better than none.
std::vector<std::string> enter_sandbox();

/// Lines that -no-sandbox is worth.
std::vector<std::string> without_sandbox();

}  // namespace server

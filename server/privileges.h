// What the process gives up before it does anything: rights, and what its memory could leak by.
// Knows capabilities, core dumps and no_new_privs; knows nothing of system calls
// (syscall_filter.h). On the main thread, before there is any other: threads inherit all of it.
#pragma once

#include <string>
#include <vector>

namespace server {

/// Every capability but CAP_NET_BIND_SERVICE goes, which stays permitted (net_bind.h raises it);
/// from the bounding set as well where the process may. Root is then the owner of its own files,
/// and no more. Nothing that is executed can gain a right (no_new_privs). Returns a line for each
/// that the system refused.
std::vector<std::string> give_up_privileges();

/// No core file, and no other process of the same user can read the memory (PR_SET_DUMPABLE,
/// ptrace(2)): it holds the token. Files of /proc/self stay readable to the process itself.
std::vector<std::string> hide_memory();

}  // namespace server

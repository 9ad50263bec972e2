// Which system calls the process may make: a list for the kernel (seccomp(2)), by libseccomp.
// Knows what all parts together call, libraries included; knows nothing of them. Install on the
// main thread, before there is any other.
//
// What is not on the list fails with EPERM and is remembered, so that the log names it once. The
// kernel's own ways are either silent (SECCOMP_RET_ERRNO; what SECCOMP_FILTER_FLAG_LOG adds goes to
// the node's audit log, which nobody of the cluster reads), let the call happen (SECCOMP_RET_LOG),
// or end the process, and the cluster's names with it (SECCOMP_RET_KILL_PROCESS). So a call is
// answered with SIGSYS (SECCOMP_RET_TRAP), whose handler sets a bit and makes the call return
// EPERM: two stores, async-signal-safe. glibc blocks that signal only while it makes a thread; what
// it calls then is on the list.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace server {

/// False in builds with ASan or TSan: their run-time libraries call much more (ptrace at exit).
bool has_syscall_filter();

/// For this thread and all that it makes. Empty if it is done, else why not: a kernel without
/// seccomp, or a container's profile that does not let us.
std::string install_syscall_filter();

/// Tells of each system call that was refused, once.
class RefusedCalls {
  public:
    /// `unlinkat (263)`, those since the last time.
    std::vector<std::string> take();

  private:
    std::array<std::uint64_t, 16> told_{};
};

}  // namespace server

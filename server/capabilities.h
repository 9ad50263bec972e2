// The capabilities of a thread (capabilities(7)): reading and setting them.
// Knows capget(2) and capset(2); knows nothing of who needs which. For the calling thread.
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace server {

struct Capabilities {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};

    // glibc has no wrapper for either call, and libcap would be a dependency for these two lines.
    bool read() { return syscall(SYS_capget, &header, sets) == 0; }
    bool write() { return syscall(SYS_capset, &header, sets) == 0; }
};

}  // namespace server

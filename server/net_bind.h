// The right to bind ports below 1024.
// Knows CAP_NET_BIND_SERVICE, which the kernel keeps per thread; knows nothing of what is bound.
// The image's binary has it as a file capability that is permitted only: an effective one makes
// execve(2) fail wherever the container is not granted it (capabilities(7), "Safety checking for
// capability-dumb binaries"). So it is raised here, and for no longer than a bind takes. Any thread
// may call, for itself.
#pragma once

#include <sys/socket.h>

namespace server {

/// bind(2): 0, or -1 and errno. Where the kernel refuses the port, once more with the capability
/// raised, if the process may have it; EACCES means that it may not.
int bind_any_port(int fd, const sockaddr* address, socklen_t size) noexcept;

}  // namespace server

// Sets an option of a socket that is a number.
// Knows no option. Any thread; the descriptor stays its owner's.
#pragma once

#include <sys/socket.h>

namespace server {

inline void set_option(int fd, int level, int name, int value) {
    // A refusal shows at bind(), or costs only speed.
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace server

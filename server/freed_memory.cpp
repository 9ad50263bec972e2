#include "server/freed_memory.h"

#include <algorithm>
#include <malloc.h>

namespace server {

bool FreedMemory::tick(Clock::time_point now) {
    if (now < next_) {
        return false;
    }
    next_ = now + kInterval;
    const std::size_t free = mallinfo2().fordblks;  // also counts what was given back
    known_ = std::min(known_, free);
    if (free - known_ < kLeast) {
        return false;
    }
    known_ = free;
    return malloc_trim(0) == 1;
}

}  // namespace server

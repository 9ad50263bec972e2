#include "server/descriptor_table.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

namespace server {

void reserve_descriptor_table() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    const auto last = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kDescriptors)) - 1;
    const int any = eventfd(0, EFD_CLOEXEC);
    const int high = fcntl(any, F_DUPFD_CLOEXEC, last);
    (void)close(high);
    (void)close(any);
}

}  // namespace server

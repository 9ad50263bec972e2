// The clock and the random numbers of the whole program, always the same: these definitions come
// before the C library's. Durations decide how many digits a log line has and which bucket counts
// them; random numbers, which record comes first.
#include <cstring>
#include <ctime>
#include <sys/random.h>

extern "C" {

ssize_t getrandom(void* buffer, size_t length, unsigned /*flags*/) {
    std::memset(buffer, 0x5a, length);
    return static_cast<ssize_t>(length);
}

int clock_gettime(clockid_t /*clock*/, timespec* now) noexcept {
    *now = {.tv_sec = 1'800'000'000, .tv_nsec = 0};
    return 0;
}
}

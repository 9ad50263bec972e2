// Durations as metrics and JSON have them: in seconds, with a fraction.
// Knows nothing of what takes so long. Free of state; any thread.
#pragma once

#include <chrono>

namespace server {

template <typename Rep, typename Period>
double in_seconds(std::chrono::duration<Rep, Period> duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace server

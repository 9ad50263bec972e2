// Characters of ASCII, whatever the locale is.
// Knows no text that they stand in. Free of state; any thread.
#pragma once

namespace server {

inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace server

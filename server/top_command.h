// `keryx top`: asks a running server who asks what, and shows it until told to end.
// Knows the terminal; what is shown is top_screen.h's. On the main thread, of a process that serves
// nothing.
#pragma once

#include <cstddef>
#include <string>

#include "server/status_client.h"

namespace server {

struct TopLine {
    std::string server = kStatusServer;
    std::size_t most = 10;  // of each list
    bool json = false;      // once, as the server says it
    bool once = false;
};

/// The exit status: 0, or 2 if no server answers; then it has said why.
int run_top(const TopLine& line);

}  // namespace server

// `keryx explain`: asks a running server over HTTP, or a Corefile with no server running.
// Knows the command line, terminals, and what the exit status means; explains nothing itself. On
// the main thread of a process of its own.
#pragma once

#include <string>
#include <string_view>

#include "server/command_line.h"

namespace server {

/// Prints the explanation, or on standard error why there is none. Returns the exit status.
int run_explain(const CommandLine& command_line);

/// `text` for a terminal: only line ends, UTF-8, and SGR sequences where `colours` are wanted.
std::string for_terminal(std::string_view text, bool colours);

}  // namespace server

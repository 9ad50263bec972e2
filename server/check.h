// `keryx check`: what a Corefile would have the process do, without doing it.
// Knows how a configuration is read and put together; listens nowhere, starts no thread, asks no
// API server. A free function; the main thread only.
#pragma once

#include <string>
#include <vector>

#include "server/command_line.h"

namespace server {

/// What a start would do: a paragraph per server block, then what holds for the process, and at the
/// end that the Corefile is valid. Throws what a start would throw for it: ConfigError,
/// k8s_client::ManifestError. What may change before a start is not asked: whether ports are free,
/// whether an API server answers, and, outside a pod, its ServiceAccount.
std::vector<std::string> check(const CommandLine& command_line);

}  // namespace server

// The settings of a server block's plugins as text, defaults included.
// Knows the configuration; knows nothing of who reads it. Free functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config.h"

namespace server {

/// A line for each plugin that has settings, `plugin/NAME: ...`, in the order in which queries meet
/// them; at the end what it says over HTTP.
std::vector<std::string> settings_of(const ServerBlock& block);

/// "plugin/status: http://127.0.0.1:8182/"; none: off.
std::string status_text(const StatusConfig& status);

/// "plugin/reload: every 30s, give or take 7.5s".
std::string reload_text(const std::optional<ReloadConfig>& reload);

}  // namespace server

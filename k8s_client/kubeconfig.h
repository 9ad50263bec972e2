// Access to the API server as a kubeconfig file says it, by kubectl's rules.
// Knows the file's format and what of it cannot be followed here; connects to nothing. Free of
// state; start-up only.
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#pragma once

#include <filesystem>
#include <string>

#include "k8s_client/api_access.h"

namespace k8s_client {

/// `context` empty: the file's current-context. Files that it names are relative to its folder, and
/// must be readable. Throws AccessError: `FILE: users[admin].exec: ...`.
ApiAccess kubeconfig_access(const std::filesystem::path& file, const std::string& context);

}  // namespace k8s_client

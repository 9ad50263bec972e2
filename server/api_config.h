// From what a Corefile says of the API server to the access that a connection needs.
// Reads the kubeconfig, looks whether the files named are there, and where a pod finds its API
// server; connects to nothing. Free of state; start-up and reload only.
#pragma once

#include <filesystem>

#include "k8s_client/api_access.h"
#include "k8s_client/in_cluster.h"
#include "server/config.h"

namespace server {

/// By kubeconfig, else by endpoint, else as a pod has it. Throws ConfigError: one line that says
/// what to mend.
k8s_client::ApiAccess api_access_of(
    const ApiConfig& config,
    const k8s_client::ServiceEnvironment& environment = k8s_client::service_environment(),
    const std::filesystem::path& account_folder = k8s_client::kServiceAccountFolder);

}  // namespace server

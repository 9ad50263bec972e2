// Access to the API server as a pod has it: the address from its environment, token and CA from the
// folder that Kubernetes mounts.
// Knows where these stand; connects to nothing. Free of state; start-up only.
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
#pragma once

#include <filesystem>
#include <string>

#include "k8s_client/api_access.h"

namespace k8s_client {

inline constexpr const char* kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

/// KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
struct ServiceEnvironment {
    std::string host;
    std::string port;
};

/// Of this process; empty where a variable is not set.
ServiceEnvironment service_environment();

/// Throws AccessError. Token and ca.crt must be there, and are named, not kept.
ApiAccess in_cluster_access(const ServiceEnvironment& environment,
                            const std::filesystem::path& folder = kServiceAccountFolder);

}  // namespace k8s_client

#include "k8s_client/in_cluster.h"

#include <cstdlib>

#include "k8s_client/api_names.h"
#include "k8s_client/credential_text.h"

namespace k8s_client {
namespace {

std::string variable(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): at start
    return value == nullptr ? "" : value;
}

}  // namespace

ServiceEnvironment service_environment() {
    return {variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT")};
}

ApiAccess in_cluster_access(const ServiceEnvironment& environment,
                            const std::filesystem::path& folder) {
    if (environment.host.empty() || environment.port.empty()) {
        throw AccessError(
            "not in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set): "
            "give the kubernetes block 'kubeconfig', 'endpoint' or 'manifests'");
    }
    ApiAccess access;
    access.host = environment.host;
    access.port = port_number(environment.port);
    if (!ip_family(access.host) && !external_name_fault(access.host).empty()) {
        throw AccessError("KUBERNETES_SERVICE_HOST is neither an address nor a name: '" +
                          environment.host + "'");
    }
    if (access.port == 0) {
        throw AccessError("KUBERNETES_SERVICE_PORT is not a number from 1 to 65535: '" +
                          environment.port + "'");
    }
    access.token.file = folder / "token";
    access.ca.file = folder / "ca.crt";
    auto fault = token_text(access.token);
    if (fault) {
        fault = credential_text(access.ca, "CA");
    }
    if (!fault) {
        throw AccessError(fault.error() +
                          ": the pod needs a ServiceAccount whose token is mounted "
                          "(automountServiceAccountToken)");
    }
    return access;
}

}  // namespace k8s_client

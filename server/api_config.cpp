#include "server/api_config.h"

#include <string_view>

#include "k8s_client/credential_text.h"
#include "k8s_client/kubeconfig.h"
#include "server/config_error.h"

namespace server {
namespace {

k8s_client::Credential tls_file(const std::filesystem::path& file, std::string_view what) {
    k8s_client::Credential credential;
    credential.file = file;
    // It is read for each connection; here only so that a wrong path is found at start.
    const auto text = k8s_client::credential_text(credential, what);
    if (!text) {
        throw k8s_client::AccessError("tls: " + text.error());
    }
    return credential;
}

k8s_client::ApiAccess endpoint_access(const ApiConfig& config) {
    k8s_client::ApiAccess access = k8s_client::access_to(config.endpoint);
    if (!config.ca.empty()) {
        access.certificate = tls_file(config.certificate, "client certificate");
        access.key = tls_file(config.key, "client key");
        access.ca = tls_file(config.ca, "CA");
    }
    return access;
}

}  // namespace

k8s_client::ApiAccess api_access_of(const ApiConfig& config,
                                    const k8s_client::ServiceEnvironment& environment,
                                    const std::filesystem::path& account_folder) {
    try {
        if (!config.kubeconfig.empty()) {
            return k8s_client::kubeconfig_access(config.kubeconfig, config.context);
        }
        if (!config.endpoint.empty()) {
            return endpoint_access(config);
        }
        return k8s_client::in_cluster_access(environment, account_folder);
    } catch (const k8s_client::AccessError& error) {
        throw ConfigError(std::string("kubernetes: ") + error.what());
    }
}

}  // namespace server

#include "server/api_config.h"

#include <doctest/doctest.h>

#include "server/config_error.h"
#include "tests/support/scratch_folder.h"

namespace server {
namespace {

const k8s_client::ServiceEnvironment kOutside;
const k8s_client::ServiceEnvironment kPod{"10.96.0.1", "443"};

std::string access_error(const ApiConfig& config, const k8s_client::ServiceEnvironment& environment,
                         const std::filesystem::path& folder) {
    try {
        api_access_of(config, environment, folder);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "(no error)";
}

TEST_CASE("api access: kubeconfig, else endpoint, else the pod's own") {
    const support::ScratchFolder folder;
    folder.write("token", "t");
    const auto ca = folder.write("ca.crt", "c");
    ApiConfig config;
    CHECK(api_access_of(config, kPod, folder.path()).host == "10.96.0.1");
    CHECK(api_access_of(config, kPod, folder.path()).ca.file == ca);

    config.endpoint = "https://10.0.0.1:6443";
    CHECK(api_access_of(config, kPod, folder.path()) ==
          k8s_client::access_to("https://10.0.0.1:6443"));
    config.certificate = folder.write("a.crt", "a");
    config.key = folder.write("a.key", "k");
    config.ca = ca;
    const k8s_client::ApiAccess access = api_access_of(config, kOutside, folder.path());
    CHECK(access.certificate.file == config.certificate);
    CHECK(access.key.file == config.key);
    CHECK(access.ca.file == ca);
    CHECK(!access.token.given());

    config.kubeconfig = folder.write("config",
                                     "current-context: a\n"
                                     "contexts:\n- {name: a, context: {cluster: c, user: u}}\n"
                                     "- {name: b, context: {cluster: d, user: u}}\n"
                                     "clusters:\n- {name: c, cluster: {server: 'https://c'}}\n"
                                     "- {name: d, cluster: {server: 'https://d'}}\n"
                                     "users:\n- {name: u, user: {token: t}}\n");
    CHECK(api_access_of(config, kPod, folder.path()).host == "c");
    config.context = "b";
    CHECK(api_access_of(config, kPod, folder.path()).host == "d");
}

TEST_CASE("api access: what the process must not start with") {
    const support::ScratchFolder folder;
    ApiConfig config;
    CHECK(access_error(config, kOutside, folder.path())
              .starts_with("kubernetes: not in a pod (KUBERNETES_SERVICE_HOST"));
    CHECK(access_error(config, kPod, folder.path())
              .starts_with("kubernetes: cannot read the token " + folder.path().string()));
    config.endpoint = "https://a";
    config.certificate = folder.write("a.crt", "a");
    config.key = folder.path() / "none";
    config.ca = config.certificate;
    CHECK(access_error(config, kPod, folder.path()) ==
          "kubernetes: tls: cannot read the client key " + config.key.string() +
              ": No such file or directory");
    config.kubeconfig = folder.path() / "none";
    CHECK(access_error(config, kPod, folder.path()) == "kubernetes: cannot read the kubeconfig " +
                                                           config.kubeconfig.string() +
                                                           ": No such file or directory");
}

}  // namespace
}  // namespace server

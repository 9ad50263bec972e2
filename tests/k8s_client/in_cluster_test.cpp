#include "k8s_client/in_cluster.h"

#include <doctest/doctest.h>

#include "tests/support/scratch_folder.h"

using namespace k8s_client;

namespace {

std::string in_cluster_error(const ServiceEnvironment& environment,
                             const std::filesystem::path& folder) {
    try {
        in_cluster_access(environment, folder);
    } catch (const AccessError& error) {
        return error.what();
    }
    return "(no error)";
}

}  // namespace

TEST_CASE("in cluster: address from the environment, token and CA by name") {
    const support::ScratchFolder folder;
    folder.write("token", "t\n");
    folder.write("ca.crt", "c");
    for (const char* host : {"10.96.0.1", "fd00::1", "kubernetes.default"}) {
        ApiAccess wanted;
        wanted.host = host;
        wanted.port = 6443;
        wanted.token.file = folder / "token";
        wanted.ca.file = folder / "ca.crt";
        CHECK(in_cluster_access({host, "6443"}, folder.path()) == wanted);
    }
}

TEST_CASE("in cluster: what is missing") {
    const support::ScratchFolder folder;
    const std::string outside =
        "not in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set): give the "
        "kubernetes block 'kubeconfig', 'endpoint' or 'manifests'";
    CHECK(in_cluster_error({"", ""}, folder.path()) == outside);
    CHECK(in_cluster_error({"10.96.0.1", ""}, folder.path()) == outside);
    CHECK(in_cluster_error({"", "443"}, folder.path()) == outside);
    CHECK(in_cluster_error({"10.96.0.1", "https"}, folder.path()) ==
          "KUBERNETES_SERVICE_PORT is not a number from 1 to 65535: 'https'");
    CHECK(in_cluster_error({"10.96 .0.1", "443"}, folder.path()) ==
          "KUBERNETES_SERVICE_HOST is neither an address nor a name: '10.96 .0.1'");
    const std::string mend =
        ": the pod needs a ServiceAccount whose token is mounted (automountServiceAccountToken)";
    CHECK(in_cluster_error({"10.96.0.1", "443"}, folder.path()) ==
          "cannot read the token " + (folder / "token").string() + ": No such file or directory" +
              mend);
    folder.write("token", "\n");
    CHECK(in_cluster_error({"10.96.0.1", "443"}, folder.path()) ==
          "the token in " + (folder / "token").string() + " is empty" + mend);
    folder.write("token", "t");
    CHECK(in_cluster_error({"10.96.0.1", "443"}, folder.path()) ==
          "cannot read the CA " + (folder / "ca.crt").string() + ": No such file or directory" +
              mend);
}

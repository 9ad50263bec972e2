#include <doctest/doctest.h>

#include "tests/server/config_loading.h"

namespace server {
namespace {

using testing::error_of;

KubernetesConfig manifests_loaded(std::string_view options,
                                  std::string_view zones = "cluster.local",
                                  const std::filesystem::path& folder = "/etc/keryx") {
    const Config config = testing::load("example.org {\nkubernetes " + std::string(zones) +
                                            " {\nmanifests m\n" + std::string(options) + "\n}\n}",
                                        folder);
    return config.blocks.at(0).kubernetes.value();
}

/// A block whose objects come from the API server.
KubernetesConfig api_loaded(std::string_view options) {
    const Config config = testing::load(
        "example.org {\nkubernetes cluster.local {\n" + std::string(options) + "\n}\n}",
        "/etc/keryx");
    return config.blocks.at(0).kubernetes.value();
}

/// The error of options that begin on line 3.
std::string api_error(std::string_view options) {
    return error_of("example.org {\nkubernetes cluster.local {\n" + std::string(options) +
                    "\n}\n}");
}

/// The error of one option, which stands on line 4.
std::string manifests_error_in(std::string_view option) {
    return error_of("example.org {\nkubernetes cluster.local {\nmanifests m\n" +
                    std::string(option) + "\n}\n}");
}

std::string joined_names(const std::vector<zones::Name>& names) {
    std::string out;
    for (const zones::Name& name : names) {
        out += (out.empty() ? "" : " ") + name.to_string();
    }
    return out;
}

TEST_CASE("kubernetes: defaults") {
    const KubernetesConfig config = manifests_loaded("");
    const zones::ClusterOptions& options = config.options;
    CHECK(joined_names(options.zones) == "cluster.local.");
    CHECK(options.pods == zones::PodMode::Disabled);
    CHECK(options.ttl == 5);
    CHECK(!options.endpoint_pod_names);
    CHECK(!options.no_endpoints);
    CHECK(!options.ignore_empty_service);
    CHECK(options.namespaces.empty());
    CHECK(options.fallthrough.empty());
    CHECK(options.nameserver_namespace == "kube-system");
    CHECK(options.nameserver_service == "kube-dns");
    CHECK(config.labels.empty());
    CHECK(config.namespace_labels.empty());
    CHECK(config.startup_timeout.count() == 5000);
}

TEST_CASE("kubernetes: zones") {
    CHECK(joined_names(manifests_loaded("", "").options.zones) == "example.org.");
    CHECK(joined_names(manifests_loaded("", "Cluster.Local. 10.0.0.0/15 ip6.arpa").options.zones) ==
          "cluster.local. 0.10.in-addr.arpa. 1.10.in-addr.arpa. ip6.arpa.");
    CHECK(joined_names(manifests_loaded("", "in-addr.arpa cluster.local:53").options.zones) ==
          "in-addr.arpa. cluster.local.");
    CHECK(error_of("a {\n kubernetes in-addr.arpa 10.0.0.0/8 {\n manifests m\n }\n}") ==
          "Corefile:2: non-reverse zone name must be used: read 'kubernetes in-addr.arpa "
          "10.0.0.0/8'");
    CHECK(error_of("10.0.0.0/8 {\n kubernetes {\n manifests m\n }\n}") ==
          "Corefile:2: non-reverse zone name must be used: read 'kubernetes'");
    CHECK(error_of("a {\n kubernetes a..b {\n manifests m\n }\n}") ==
          "Corefile:2: not a domain name: read 'a..b'");
}

TEST_CASE("kubernetes: a zone leaves room for the name in its SOA record") {
    const std::string label(60, 'z');
    const std::string most = label + '.' + label + '.' + label + '.' + std::string(59, 'z');
    CHECK(joined_names(manifests_loaded("", most).options.zones) == most + '.');
    CHECK(error_of("example.org {\nkubernetes z" + most + " {\nmanifests m\n}\n}") ==
          "Corefile:2: no room for hostmaster.z" + most + ".: zone too long");
}

TEST_CASE("kubernetes: options") {
    CHECK(manifests_loaded("pods insecure").options.pods == zones::PodMode::Insecure);
    CHECK(manifests_loaded("pods verified").options.pods == zones::PodMode::Verified);
    CHECK(manifests_loaded("pods verified\npods disabled").options.pods ==
          zones::PodMode::Disabled);
    CHECK(manifests_loaded("ttl 0").options.ttl == 0);
    CHECK(manifests_loaded("ttl 3600").options.ttl == 3600);
    CHECK(manifests_loaded("endpoint_pod_names").options.endpoint_pod_names);
    CHECK(manifests_loaded("noendpoints").options.no_endpoints);
    CHECK(manifests_loaded("ignore empty_service").options.ignore_empty_service);
    CHECK(!manifests_loaded("ignore").options.ignore_empty_service);
    CHECK(manifests_loaded("namespaces a b\nnamespaces c").options.namespaces ==
          std::vector<std::string>{"a", "b", "c"});
    CHECK(joined_names(manifests_loaded("fallthrough").options.fallthrough) == ".");
    CHECK(joined_names(
              manifests_loaded("fallthrough in-addr.arpa 10.0.0.0/24").options.fallthrough) ==
          "in-addr.arpa. 0.0.10.in-addr.arpa.");
    CHECK(manifests_loaded("startup_timeout 1m30s").startup_timeout.count() == 90000);
    CHECK(manifests_loaded("startup_timeout 0").startup_timeout.count() == 0);
    const auto options = manifests_loaded("nameserver dns/my-dns").options;
    CHECK(options.nameserver_namespace == "dns");
    CHECK(options.nameserver_service == "my-dns");
}

TEST_CASE("kubernetes: selectors") {
    const auto labels =
        manifests_loaded("labels environment in (production, qa),application=nginx").labels;
    CHECK(labels.text() == "environment in (production, qa),application=nginx");
    CHECK(labels.matches({{"application", "nginx"}, {"environment", "qa"}}));
    CHECK(!labels.matches({{"application", "nginx"}, {"environment", "test"}}));
    CHECK(manifests_loaded("namespace_labels env=staging")
              .namespace_labels.matches({{"env", "staging"}}));
    CHECK(manifests_error_in("labels a in (b").starts_with("Corefile:4: not a label selector ("));
    CHECK(manifests_error_in("namespace_labels")
              .starts_with("Corefile:4: namespace_labels takes 1 or more"));
    CHECK(manifests_error_in("namespaces a\nnamespace_labels b=c") ==
          "Corefile:2: namespaces and namespace_labels cannot both be set");
}

TEST_CASE("kubernetes: manifests are relative to the Corefile") {
    CHECK(manifests_loaded("manifests ../a /b/c.yaml").manifests ==
          std::vector<std::filesystem::path>{"/etc/keryx/m", "/etc/a", "/b/c.yaml"});
    CHECK(manifests_loaded("", "a", "sub").manifests ==
          std::vector<std::filesystem::path>{std::filesystem::current_path() / "sub/m"});
    CHECK(error_of("a {\n kubernetes\n}") == "(loads)");  // the API server's
}

TEST_CASE("kubernetes: how the API server is asked") {
    const ApiConfig defaults = api_loaded("").api;
    CHECK(defaults.endpoint.empty());
    CHECK(defaults.kubeconfig.empty());
    CHECK(defaults.ca.empty());
    CHECK(defaults.qps == 5);
    CHECK(defaults.burst == 10);
    CHECK(defaults.max_inflight == 0);
    CHECK(defaults.resync == std::chrono::hours(1));
    CHECK(defaults.snapshot.empty());
    CHECK(defaults.snapshot_max_age == std::chrono::hours(24));
    CHECK(api_loaded("").manifests.empty());

    CHECK(api_loaded("apiserver_qps 12.5").api.qps == 12.5);
    CHECK(api_loaded("apiserver_qps 12.5\napiserver_qps 0").api.qps == 5);
    CHECK(api_loaded("apiserver_burst 7").api.burst == 7);
    CHECK(api_loaded("apiserver_burst 0").api.burst == 10);
    CHECK(api_loaded("apiserver_max_inflight 3").api.max_inflight == 3);
    CHECK(api_loaded("resync 0").api.resync.count() == 0);
    CHECK(api_loaded("resync 1s").api.resync.count() == 1000);
    CHECK(api_loaded("snapshot ../s").api.snapshot == "/etc/s");
    CHECK(api_loaded("snapshot /var/s\nsnapshot_max_age 90m").api.snapshot_max_age ==
          std::chrono::minutes(90));
    for (const std::string option : {"multicluster clusterset.local", "zonal"}) {
        CHECK(manifests_error_in(option) ==
              "Corefile:4: option not supported in this version: read '" + option + "'");
    }
}

TEST_CASE("kubernetes: where the API server is, and who we are") {
    const ApiConfig api =
        api_loaded("endpoint https://10.0.0.1:6443\ntls a.crt sub/a.key /ca.crt").api;
    CHECK(api.endpoint == "https://10.0.0.1:6443");
    CHECK(api.certificate == "/etc/keryx/a.crt");
    CHECK(api.key == "/etc/keryx/sub/a.key");
    CHECK(api.ca == "/ca.crt");
    CHECK(api_loaded("kubeconfig config").api.kubeconfig == "/etc/keryx/config");
    CHECK(api_loaded("kubeconfig config").api.context.empty());
    CHECK(api_loaded("kubeconfig /c admin@one").api.context == "admin@one");
    CHECK(api_error("endpoint 10.0.0.1:6443") ==
          "Corefile:3: not the URL of an API server: '10.0.0.1:6443': it does not start with "
          "https:// or http://; it has the form https://HOST[:PORT][/PATH]");
}

TEST_CASE("kubernetes: options of the API server that have no effect are named") {
    const auto notices_of = [](std::string_view options) {
        std::string text;
        for (const std::string& notice :
             testing::load("a {\nkubernetes {\n" + std::string(options) + "\n}\n}").notices) {
            text += notice + '\n';
        }
        return text;
    };
    CHECK(notices_of("endpoint https://a https://b") ==
          "Corefile:3: endpoint takes only the first of several URLs: https://a\n");
    CHECK(notices_of("endpoint https://a\nkubeconfig f") ==
          "Corefile:2: endpoint and tls are ignored: kubeconfig wins over them\n");
    CHECK(notices_of("tls a b c") == "Corefile:2: tls is ignored: it belongs to an endpoint\n");
    CHECK(notices_of("endpoint https://a\ntls a b c") == "");
    CHECK(notices_of("kubeconfig f") == "");
}

TEST_CASE("kubernetes: objects come from manifests or from the API server") {
    for (const std::string_view option : {"endpoint https://a", "tls a b c", "kubeconfig f",
                                          "snapshot s", "snapshot_max_age 1h", "resync 1h"}) {
        const std::string name(option.substr(0, option.find(' ')));
        CHECK(manifests_error_in(option) ==
              "Corefile:2: manifests and " + name +
                  " cannot both be set: objects come from files or from the API");
        CHECK(api_error(option) == "(loads)");
    }
    CHECK(manifests_error_in("apiserver_qps 3\napiserver_burst 3\napiserver_max_inflight 3") ==
          "(loads)");
}

TEST_CASE("kubernetes: wrong options") {
    struct Case {
        std::string_view option;
        std::string_view error;
    };
    const Case cases[] = {
        {"pods", "pods takes 1 argument: read 'pods'"},
        {"pods on", "wrong value for pods: read 'on'; known: disabled, insecure, verified"},
        {"pods verified insecure", "pods takes 1 argument: read 'pods verified insecure'"},
        {"ttl", "ttl takes 1 argument: read 'ttl'"},
        {"ttl -1", "ttl needs a whole number from 0 to 3600: read '-1'"},
        {"ttl 3601", "ttl needs a whole number from 0 to 3600: read '3601'"},
        {"ttl 30s", "ttl needs a whole number from 0 to 3600: read '30s'"},
        {"endpoint_pod_names yes",
         "endpoint_pod_names takes no arguments: read 'endpoint_pod_names yes'"},
        {"noendpoints x", "noendpoints takes no arguments: read 'noendpoints x'"},
        {"namespaces", "namespaces takes 1 or more arguments: read 'namespaces'"},
        {"ignore x", "wrong value for ignore: read 'x'; known: empty_service"},
        {"fallthrough a..b", "not a domain name: read 'a..b'"},
        {"startup_timeout 5",
         "startup_timeout needs a duration such as 500ms or 1m30s, not negative: read '5'"},
        {"startup_timeout -5s",
         "startup_timeout needs a duration such as 500ms or 1m30s, not negative: read '-5s'"},
        {"apiserver_qps -1", "apiserver_qps needs a number that is not negative: read '-1'"},
        {"apiserver_qps nan", "apiserver_qps needs a number that is not negative: read 'nan'"},
        {"apiserver_burst 1.5",
         "apiserver_burst needs a whole number from 0 to 9223372036854775807: read '1.5'"},
        {"apiserver_qps inf", "apiserver_qps needs a number that is not negative: read 'inf'"},
        {"endpoint", "endpoint takes 1 or more arguments: read 'endpoint'"},
        {"tls a b", "tls takes 3 arguments: read 'tls a b'"},
        {"kubeconfig", "kubeconfig takes 1 to 2 arguments: read 'kubeconfig'"},
        {"resync 999ms", "resync must be 0 (off) or at least 1s: read '999ms'"},
        {"resync", "resync takes 1 argument: read 'resync'"},
        {"snapshot a b", "snapshot takes 1 argument: read 'snapshot a b'"},
        {"snapshot_max_age 0", "snapshot_max_age must be more than 0: read '0'"},
        {"nameserver kube-dns", "nameserver needs NAMESPACE/SERVICE: read 'kube-dns'"},
        {"nameserver a/b/c", "nameserver needs NAMESPACE/SERVICE: read 'a/b/c'"},
        {"manifests", "manifests takes 1 or more arguments: read 'manifests'"},
        {"ttl 5 {\n}", "no '{' may follow here: read 'ttl 5'"},
        {"upstream",
         "unknown property of kubernetes: read 'upstream'; known: apiserver_burst, "
         "apiserver_max_inflight, apiserver_qps, endpoint, endpoint_pod_names, fallthrough, "
         "ignore, kubeconfig, labels, manifests, multicluster, nameserver, namespace_labels, "
         "namespaces, noendpoints, pods, resync, snapshot, snapshot_max_age, startup_timeout, "
         "tls, ttl, zonal"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.option);
        CHECK(manifests_error_in(c.option) == "Corefile:4: " + std::string(c.error));
    }
}

}  // namespace
}  // namespace server

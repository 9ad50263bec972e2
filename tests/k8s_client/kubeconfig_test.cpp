#include "k8s_client/kubeconfig.h"

#include <doctest/doctest.h>

#include "tests/support/scratch_folder.h"

using namespace k8s_client;

namespace {

const std::string kPem = "-----BEGIN X-----\n";
const std::string kPem64 = "LS0tLS1CRUdJTiBYLS0tLS0K";

/// A kubeconfig with one context; `cluster` and `user` are mappings in YAML's flow style, without
/// their braces.
std::string config(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n"
           "- {name: c, context: {cluster: one, user: me, namespace: default}}\n"
           "clusters:\n- {name: one, cluster: {" +
           cluster +
           "}}\n"
           "users:\n- {name: me, user: {" +
           user + "}}\n";
}

struct Setting {
    support::ScratchFolder folder;

    ApiAccess read(const std::string& text, const std::string& context = "") const {
        folder.write("config", text);
        return kubeconfig_access(folder / "config", context);
    }
    ApiAccess read(const std::string& cluster, const std::string& user,
                   const std::string& context) const {
        return read(config(cluster, user), context);
    }
    /// The error without the file's name, which it must begin with.
    std::string error(const std::string& text, const std::string& context = "") const {
        try {
            read(text, context);
        } catch (const AccessError& error) {
            const std::string begin = (folder / "config").string() + ": ";
            const std::string what = error.what();
            CHECK_MESSAGE(what.starts_with(begin), what);
            CHECK(what.find('\n') == std::string::npos);
            return what.substr(begin.size());
        }
        return "(no error)";
    }
    std::string cluster_error(const std::string& cluster) const {
        return error(config(cluster, "token: t"));
    }
    std::string user_error(const std::string& user) const {
        return error(config("server: 'https://a'", user));
    }
};

}  // namespace

TEST_CASE_FIXTURE(Setting, "kubeconfig: cluster, user and context") {
    const std::string text =
        "current-context: second\n"
        "preferences: {}\n"
        "contexts:\n"
        "- name: first\n  context: {cluster: one, user: nobody}\n"
        "- name: second\n  context: {cluster: two, user: me}\n"
        "clusters:\n"
        "- name: one\n  cluster: {server: 'http://127.0.0.1:8080', extensions: []}\n"
        "- name: two\n  cluster:\n    server: https://[fd00::1]:6443/prefix/\n"
        "    tls-server-name: kubernetes\n"
        "    certificate-authority-data: |\n      " +
        kPem64.substr(0, 12) + "\n      " + kPem64.substr(12) +
        "\n"
        "users:\n- name: nobody\n  user: {}\n- name: me\n  user: {token: 'abc '}\n";
    ApiAccess second = access_to("https://[fd00::1]:6443/prefix");
    second.server_name = "kubernetes";
    second.ca.text = Secret(kPem);
    second.token.text = Secret("abc ");
    CHECK(read(text) == second);
    CHECK(read(text, "second") == second);
    CHECK(read(text, "first") == access_to("http://127.0.0.1:8080"));
    CHECK(error(text, "third") == "contexts: no entry 'third'; known: first, second");
}

TEST_CASE_FIXTURE(Setting, "kubeconfig: files are relative to it") {
    for (const char* name : {"ca.crt", "me.crt", "me.key"}) {
        folder.write(name, kPem);
    }
    const std::filesystem::path other = folder / "sub";
    std::filesystem::create_directory(other);
    folder.write("sub/token", "t");
    const ApiAccess access =
        read("server: 'https://a', certificate-authority: ca.crt",
             "client-certificate: ./me.crt, client-key: '" + (folder / "me.key").string() +
                 "', token: lost, tokenFile: sub/token",
             "c");
    CHECK(access.ca == Credential{{}, folder / "ca.crt"});
    CHECK(access.certificate == Credential{{}, folder / "me.crt"});
    CHECK(access.key == Credential{{}, folder / "me.key"});
    CHECK(access.token == Credential{{}, folder / "sub/token"});  // wins over token
}

TEST_CASE_FIXTURE(Setting, "kubeconfig: inline certificates, and no verification") {
    const ApiAccess access =
        read("server: 'https://a', insecure-skip-tls-verify: true",
             "client-certificate-data: " + kPem64 + ", client-key-data: " + kPem64, "");
    CHECK(access.insecure);
    CHECK_FALSE(access.ca.given());
    CHECK(access.certificate.text.reveal() == kPem);
    CHECK(access.key.text.reveal() == kPem);
    CHECK_FALSE(access.token.given());
    CHECK_FALSE(read("server: 'https://a', insecure-skip-tls-verify: false", "", "").insecure);
}

TEST_CASE_FIXTURE(Setting, "kubeconfig: what is wrong with a cluster") {
    CHECK(cluster_error("") == "clusters[one].server: missing");
    CHECK(cluster_error("server: ") == "clusters[one].server: missing");
    CHECK(cluster_error("server: [a]") == "clusters[one].server: not a text");
    CHECK(cluster_error("server: a") ==
          "clusters[one].server: not the URL of an API server: 'a': it does not start with "
          "https:// or http://; it has the form https://HOST[:PORT][/PATH]");
    const std::string server = "server: 'https://a', ";
    CHECK(cluster_error(server + "certificate-authority-data: '%%%'") ==
          "clusters[one].certificate-authority-data: not base64");
    CHECK(cluster_error(server + "certificate-authority-data: Zm9v") ==
          "clusters[one].certificate-authority-data: no PEM (-----BEGIN ...) in the base64");
    CHECK(cluster_error(server + "certificate-authority: no") ==
          "clusters[one].certificate-authority: cannot read " + (folder / "no").string() +
              ": No such file or directory");
    CHECK(cluster_error(server + "certificate-authority: .") ==
          "clusters[one].certificate-authority: cannot read " + (folder / "").string() +
              ": not a file");
    folder.write("empty", "");
    CHECK(cluster_error(server + "certificate-authority: empty") ==
          "clusters[one].certificate-authority: cannot read " + (folder / "empty").string() +
              ": it is empty");
    CHECK(
        cluster_error(server + "certificate-authority: a, certificate-authority-data: " + kPem64) ==
        "clusters[one].certificate-authority-data: set together with certificate-authority: give "
        "only one of them");
    CHECK(cluster_error(server +
                        "insecure-skip-tls-verify: true, certificate-authority-data: " + kPem64) ==
          "clusters[one].insecure-skip-tls-verify: true together with a certificate-authority: "
          "give only one of them");
    CHECK(cluster_error(server + "insecure-skip-tls-verify: maybe") ==
          "clusters[one].insecure-skip-tls-verify: neither true nor false: 'maybe'");
    CHECK(cluster_error(server + "proxy-url: 'http://p'") ==
          "clusters[one].proxy-url: not supported: connect directly, without a proxy");
}

TEST_CASE_FIXTURE(Setting, "kubeconfig: what a user may not have") {
    const std::string plugin =
        "not supported: no program is run to log in; use a token, a tokenFile (a "
        "ServiceAccount's), or a client certificate";
    CHECK(user_error("exec: {command: aws}") == "users[me].exec: " + plugin);
    CHECK(user_error("auth-provider: {name: oidc}") == "users[me].auth-provider: " + plugin);
    for (const char* key : {"username", "password"}) {
        CHECK(user_error(std::string(key) + ": x") ==
              "users[me]." + std::string(key) +
                  ": not supported: use a token or a client certificate");
    }
    for (const char* key : {"as: x", "as-uid: x", "as-groups: [x]", "as-user-extra: {x: [y]}"}) {
        CHECK(user_error(key).ends_with(
            ": not supported: Keryx acts as nobody else; give the user that it shall be"));
    }
    CHECK(user_error("exec: null, username: ''") == "(no error)");
    CHECK(user_error("tokenFile: no") == "users[me].tokenFile: cannot read " +
                                             (folder / "no").string() +
                                             ": No such file or directory");
    CHECK(user_error("token: \"sec\\nret\"") ==
          "users[me].token: the token in the kubeconfig has a character that no token has: one "
          "line of text is expected");
    CHECK(user_error("client-key-data: '='") == "users[me].client-key-data: not base64");
    CHECK(user_error("client-certificate-data: " + kPem64) ==
          "users[me].client-key: missing: a client certificate and its key belong together");
    CHECK(user_error("client-key-data: " + kPem64) ==
          "users[me].client-certificate: missing: a client certificate and its key belong "
          "together");
}

TEST_CASE_FIXTURE(Setting, "kubeconfig: what is no kubeconfig") {
    CHECK(error("") == "not a kubeconfig: a mapping is expected");
    CHECK(error("just text") == "not a kubeconfig: a mapping is expected");
    CHECK(error("a: [1\nb: {").starts_with("line "));
    CHECK(error("a: [1\nb: {").find(": not YAML: ") != std::string::npos);
    CHECK(error("a: 1") == "current-context: not set: name a context, 'kubeconfig FILE CONTEXT'");
    CHECK(error("current-context: c") == "contexts: no entry 'c'; known: none");
    CHECK(error("current-context: c\ncontexts: x") == "contexts: no entry 'c'; known: none");
    CHECK(error("current-context: \"c\\nd\"") == "contexts: no entry 'c?d'; known: none");
    CHECK(error("current-context: c\ncontexts:\n- {name: c}") == "contexts[c].cluster: missing");
    CHECK(error("current-context: c\ncontexts:\n- {name: c, context: x}") ==
          "contexts[c].context: not a mapping");
    const std::string context = "current-context: c\ncontexts:\n- {name: c, context: {";
    CHECK(error(context + "cluster: x}}") == "clusters: no entry 'x'; known: none");
    const std::string cluster = "\nclusters:\n- {name: x, cluster: {server: 'https://a'}}\n";
    CHECK(error(context + "cluster: x}}" + cluster) == "contexts[c].user: missing");
    CHECK(error(context + "cluster: x, user: y}}" + cluster + "users:\n- {name: z}\n") ==
          "users: no entry 'y'; known: z");
    CHECK(error(std::string(90'000, '[')) == "line 1: not YAML: nested too deeply");
    CHECK(error(std::string(600'000, '[')) == "not a kubeconfig: more than 100000 of , : [ {");
    CHECK(error("{" + std::string(150'000, ',')) ==
          "not a kubeconfig: more than 100000 of , : [ {");
    std::string many = "current-context: z\ncontexts:\n";
    for (int i = 0; i < 1000; ++i) {
        many += "- {name: c" + std::to_string(i) + "}\n";
    }
    CHECK(error(many).ends_with("c18, c19, ..."));
    folder.write("large", std::string((1 << 20) + 1, 'x'));
    const std::filesystem::path large = folder / "large";
    CHECK_THROWS_WITH_AS(
        kubeconfig_access(large, ""),
        ("cannot read the kubeconfig " + large.string() + ": larger than the limit of 1 MiB")
            .c_str(),
        AccessError);
    const std::filesystem::path none = folder / "none";
    CHECK_THROWS_WITH_AS(
        kubeconfig_access(none, ""),
        ("cannot read the kubeconfig " + none.string() + ": No such file or directory").c_str(),
        AccessError);
}

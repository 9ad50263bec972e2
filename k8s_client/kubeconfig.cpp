#include "k8s_client/kubeconfig.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/yaml.h>

#include "k8s_client/base64.h"
#include "k8s_client/credential_text.h"
#include "k8s_client/small_file.h"

namespace k8s_client {
namespace {

/// One mapping of the file, and how messages name it.
class Mapping {
  public:
    Mapping(const std::filesystem::path& file, std::string name, const YAML::Node& node)
        : file_(file), name_(std::move(name)), node_(node) {}

    [[noreturn]] void fail(std::string_view key, const std::string& why) const {
        std::string place = name_;
        if (!key.empty()) {
            place += (place.empty() ? "" : ".") + std::string(key);
        }
        throw AccessError(file_.string() + ": " + place + (place.empty() ? "" : ": ") + why);
    }

    bool has(const std::string& key) const {
        const YAML::Node value = node_[key];
        return value && !value.IsNull() && !(value.IsScalar() && value.Scalar().empty()) &&
               !(!value.IsScalar() && value.size() == 0);
    }

    /// Empty if it is not there.
    std::string text(const std::string& key) const {
        if (!has(key)) {
            return {};
        }
        if (!node_[key].IsScalar()) {
            fail(key, "not a text");
        }
        return node_[key].Scalar();
    }

    std::string needed(const std::string& key) const {
        if (!has(key)) {
            fail(key, "missing");
        }
        return text(key);
    }

    bool truth(const std::string& key) const {
        const std::string value = text(key);
        if (!value.empty() && value != "true" && value != "false") {
            fail(key, "neither true nor false: '" + value + "'");
        }
        return value == "true";
    }

    /// The `inner` mapping of the one that is called `wanted` in the list `list`.
    Mapping entry(const std::string& list, const std::string& inner,
                  const std::string& wanted) const {
        constexpr std::size_t kShown = 20;
        std::size_t others = 0;
        std::string known;
        const YAML::Node entries = node_[list];
        for (std::size_t i = 0; entries && entries.IsSequence() && i < entries.size(); ++i) {
            const YAML::Node entry = entries[i];
            if (!entry.IsMap() || !entry["name"] || !entry["name"].IsScalar()) {
                continue;
            }
            const std::string& name = entry["name"].Scalar();
            if (name == wanted) {
                return inner_of(entry, std::string(list).append("[").append(name).append("]"),
                                inner);
            }
            if (++others <= kShown) {
                known.append(known.empty() ? "" : ", ").append(name);
            } else {
                known += others == kShown + 1 ? ", ..." : "";
            }
        }
        fail(list, "no entry '" + wanted + "'; known: " + (known.empty() ? "none" : known));
    }

    /// A file's path is relative to the kubeconfig's folder, and it must be readable now.
    Credential file_credential(const std::string& key) const {
        const std::string path = text(key);
        if (path.empty()) {
            return {};
        }
        Credential credential;
        credential.file = std::filesystem::absolute(file_.parent_path() / path).lexically_normal();
        const auto read = read_small_file(credential.file);
        if (!read || read->empty()) {
            fail(key, "cannot read " + credential.file.string() + ": " +
                          (read ? "it is empty" : read.error()));
        }
        return credential;
    }

    /// PEM as `key`-data in base64 or in the file that `key` names.
    Credential pem_credential(const std::string& key) const {
        const std::string data_key = key + "-data";
        if (!has(data_key)) {
            return file_credential(key);
        }
        if (has(key)) {
            fail(data_key, "set together with " + key + ": give only one of them");
        }
        const auto decoded = decode_base64(text(data_key));
        if (!decoded) {
            fail(data_key, "not base64");
        }
        if (decoded->reveal().find("-----BEGIN ") == std::string_view::npos) {
            fail(data_key, "no PEM (-----BEGIN ...) in the base64");
        }
        return {*decoded, {}};
    }

  private:
    Mapping inner_of(const YAML::Node& entry, const std::string& name,
                     const std::string& inner) const {
        const YAML::Node node = entry[inner];
        const bool is_absent = !node || node.IsNull();
        Mapping found(file_, name, is_absent ? YAML::Node(YAML::NodeType::Map) : node);
        if (!found.node_.IsMap()) {
            found.fail(inner, "not a mapping");
        }
        return found;
    }

    const std::filesystem::path& file_;
    std::string name_;
    YAML::Node node_;
};

/// What kubectl would follow and we do not, with what to do instead.
void refuse_keys(const Mapping& section,
                 std::initializer_list<std::pair<const char*, const char*>> keys) {
    for (const auto& [key, instead] : keys) {
        if (section.has(key)) {
            section.fail(key, std::string("not supported: ") + instead);
        }
    }
}

ApiAccess read_cluster(const Mapping& cluster) {
    refuse_keys(cluster, {{"proxy-url", "connect directly, without a proxy"}});
    ApiAccess access;
    const std::string server = cluster.needed("server");
    try {
        access = access_to(server);
    } catch (const AccessError& error) {
        cluster.fail("server", error.what());
    }
    access.ca = cluster.pem_credential("certificate-authority");
    access.insecure = cluster.truth("insecure-skip-tls-verify");
    access.server_name = cluster.text("tls-server-name");
    if (access.insecure && access.ca.given()) {
        cluster.fail("insecure-skip-tls-verify",
                     "true together with a certificate-authority: give only one of them");
    }
    return access;
}

constexpr const char* kNoPlugin =
    "no program is run to log in; use a token, a tokenFile (a ServiceAccount's), or a client "
    "certificate";
constexpr const char* kNoPassword = "use a token or a client certificate";
constexpr const char* kNoOther = "Keryx acts as nobody else; give the user that it shall be";

void read_user(const Mapping& user, ApiAccess& access) {
    refuse_keys(user, {{"exec", kNoPlugin},
                       {"auth-provider", kNoPlugin},
                       {"username", kNoPassword},
                       {"password", kNoPassword},
                       {"as", kNoOther},
                       {"as-uid", kNoOther},
                       {"as-groups", kNoOther},
                       {"as-user-extra", kNoOther}});
    // As in client-go, a file that may be rotated wins over a token that cannot be.
    access.token = user.file_credential("tokenFile");
    if (!access.token.given()) {
        access.token.text = Secret(user.text("token"));
    }
    if (access.token.given()) {
        const auto token = token_text(access.token);
        if (!token) {
            user.fail(access.token.file.empty() ? "token" : "tokenFile", token.error());
        }
    }
    access.certificate = user.pem_credential("client-certificate");
    access.key = user.pem_credential("client-key");
    if (access.certificate.given() != access.key.given()) {
        user.fail(access.certificate.given() ? "client-key" : "client-certificate",
                  "missing: a client certificate and its key belong together");
    }
}

/// yaml-cpp keeps the tokens of a flow collection until that has ended: some hundred octets each.
constexpr std::ptrdiff_t kMaxFlow = 100'000;

bool is_flow(char c) {
    return c == '[' || c == '{' || c == ',' || c == ':';
}

YAML::Node parse(const std::filesystem::path& file) {
    const auto text = read_small_file(file);
    if (!text) {
        throw AccessError("cannot read the kubeconfig " + file.string() + ": " + text.error());
    }
    if (std::ranges::count_if(text->reveal(), is_flow) > kMaxFlow) {
        throw AccessError(file.string() + ": not a kubeconfig: more than 100000 of , : [ {");
    }
    try {
        // What yaml-cpp copies is freed, and not overwritten: SECURITY.md advises a tokenFile.
        YAML::Node root = YAML::Load(std::string(text->reveal()));
        if (!root.IsMap()) {
            throw AccessError(file.string() + ": not a kubeconfig: a mapping is expected");
        }
        return root;
    } catch (const YAML::DeepRecursion& error) {
        throw AccessError(file.string() + ": line " + std::to_string(error.mark.line + 1) +
                          ": not YAML: nested too deeply");
    } catch (const YAML::Exception& error) {
        const bool has_line = error.mark.line >= 0;
        throw AccessError(file.string() + ": " +
                          (has_line ? "line " + std::to_string(error.mark.line + 1) + ": " : "") +
                          "not YAML: " + error.msg);
    }
}

}  // namespace

ApiAccess kubeconfig_access(const std::filesystem::path& file, const std::string& context) {
    const Mapping root(file, "", parse(file));
    if (context.empty() && !root.has("current-context")) {
        root.fail("current-context", "not set: name a context, 'kubeconfig FILE CONTEXT'");
    }
    const Mapping chosen =
        root.entry("contexts", "context", context.empty() ? root.text("current-context") : context);
    ApiAccess access = read_cluster(root.entry("clusters", "cluster", chosen.needed("cluster")));
    read_user(root.entry("users", "user", chosen.needed("user")), access);
    return access;
}

}  // namespace k8s_client

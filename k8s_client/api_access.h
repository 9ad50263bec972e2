// Where the API server is and who we are to it: values, before any connection.
// Knows the three ways to say so (in_cluster.h, kubeconfig.h, the Corefile's endpoint and tls) as
// one shape. Files are named, not read: what they hold may be rotated at any time, so it is read
// again for each connection. Values; any thread may read them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "k8s_client/secret.h"

namespace k8s_client {

/// A secret or certificate, given as text or as the file that holds it. Neither: not given.
struct Credential {
    Secret text;
    std::filesystem::path file;
    bool given() const { return !text.empty() || !file.empty(); }
    bool operator==(const Credential&) const = default;
};

struct ApiAccess {
    std::string host;  // an address without brackets, or a DNS name
    std::uint16_t port = 443;
    bool tls = true;
    std::string path;         // in front of every request's path: empty, or `/k8s/clusters/c-1`
    Credential ca;            // PEM; not given: the system's
    bool insecure = false;    // insecure-skip-tls-verify: nothing of the server is checked
    std::string server_name;  // what its certificate must be for; empty: `host`
    Credential certificate;   // PEM, of the client, with its chain
    Credential key;           // PEM
    Credential token;         // sent as `Authorization: Bearer`
    bool operator==(const ApiAccess&) const = default;
};

/// No usable access: the process must not start with it. One line that says what to mend.
class AccessError : public std::runtime_error {
  public:
    explicit AccessError(const std::string& what);
};

/// `https://HOST[:PORT][/PATH]` or `http://...`, IPv6 in brackets; port 443 or 80 if not given.
/// Throws AccessError.
ApiAccess access_to(const std::string& url);

/// The port from 1 to 65535 that `text` is; 0 if it is none.
std::uint16_t port_number(std::string_view text);

/// `10.96.0.1:443`, `[fd00::1]:443`
std::string host_and_port(const ApiAccess& access);

}  // namespace k8s_client

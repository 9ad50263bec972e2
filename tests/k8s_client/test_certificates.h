// Certificate authorities and certificates for tests, made as they are needed.
// Knows OpenSSL; values of PEM text come out. One thread.
#pragma once

#include <string>
#include <vector>

namespace k8s_client::testing {

struct PemPair {
    std::string certificate;
    std::string key;
};

struct CertificateWish {
    std::string common_name = "kube-apiserver";
    std::vector<std::string> names;  // of the SAN: `DNS:kubernetes`, `IP:127.0.0.1`
    long starts_in = -3600;          // seconds from now
    long ends_in = 3600;
    bool is_ca = false;
};

/// Signed by `issuer`, or by itself if `issuer` is empty. Fails the test if OpenSSL does.
PemPair make_certificate(const CertificateWish& wish, const PemPair& issuer = {});

/// A certificate authority.
PemPair make_authority(const std::string& common_name = "kubernetes");

}  // namespace k8s_client::testing

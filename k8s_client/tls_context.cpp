#include "k8s_client/tls_context.h"

#include <memory>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "k8s_client/api_names.h"
#include "k8s_client/credential_text.h"

namespace k8s_client {
namespace {

using Outcome = tl::expected<void, std::string>;

template <auto Free>
struct OpensslDeleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Bio = std::unique_ptr<BIO, OpensslDeleter<&BIO_free_all>>;
using Certificate = std::unique_ptr<X509, OpensslDeleter<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, OpensslDeleter<&EVP_PKEY_free>>;

/// Reads where the text is: nothing is copied.
Bio bio_of(const Secret& text) {
    return Bio(BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.reveal().size())));
}

/// Never asks at the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

/// All certificates of a PEM text, at least one.
tl::expected<std::vector<Certificate>, std::string> read_certificates(const Credential& credential,
                                                                      std::string_view what) {
    const auto text = credential_text(credential, what);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const Bio bio = bio_of(*text);
    std::vector<Certificate> found;
    ERR_clear_error();
    while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        found.emplace_back(next);
    }
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (found.empty() || !at_end) {
        return tl::unexpected(
            "the " + std::string(what) + " in " + origin_of(credential) +
            (at_end ? " holds no certificate in PEM" : " is damaged: not a certificate in PEM"));
    }
    return found;
}

/// Only the CA that is given, or the system's.
Outcome trust(SSL_CTX* context, const ApiAccess& access) {
    if (!access.ca.given()) {
        SSL_CTX_set_default_verify_paths(context);
        return {};
    }
    const auto certificates = read_certificates(access.ca, "CA");
    if (!certificates) {
        return tl::unexpected(certificates.error());
    }
    for (const Certificate& certificate : *certificates) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
    }
    return {};
}

/// As Go does, and so the API server's other clients: SAN alone counts, not the subject; whatever
/// the CA file holds is trusted, also if it is no root.
Outcome demand_name(SSL_CTX* context, const ApiAccess& access) {
    X509_VERIFY_PARAM* const param = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    const std::string name = expected_name(access);
    const bool is_set = ip_family(name)
                            ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1
                            : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size()) == 1;
    return is_set ? Outcome() : tl::unexpected("no certificate can be for the name '" + name + "'");
}

tl::expected<Key, std::string> read_key(const Credential& credential) {
    const auto text = credential_text(credential, "client key");
    if (!text) {
        return tl::unexpected(text.error());
    }
    bool was_asked = false;
    Key key(PEM_read_bio_PrivateKey(bio_of(*text).get(), nullptr, no_password, &was_asked));
    ERR_clear_error();
    if (!key) {
        return tl::unexpected("the client key in " + origin_of(credential) +
                              (was_asked ? " is encrypted: give it without a password"
                                         : " is not a private key in PEM"));
    }
    return key;
}

/// Certificate, chain and key.
Outcome show(SSL_CTX* context, const ApiAccess& access) {
    if (!access.certificate.given()) {
        return {};
    }
    const auto chain = read_certificates(access.certificate, "client certificate");
    if (!chain) {
        return tl::unexpected(chain.error());
    }
    const auto key = read_key(access.key);
    if (!key) {
        return tl::unexpected(key.error());
    }
    X509* const own = chain->front().get();
    if (X509_check_private_key(own, key->get()) != 1) {
        ERR_clear_error();
        return tl::unexpected("the client key in " + origin_of(access.key) +
                              " does not belong to the certificate in " +
                              origin_of(access.certificate));
    }
    bool is_set = SSL_CTX_use_certificate(context, own) == 1 &&
                  SSL_CTX_use_PrivateKey(context, key->get()) == 1;
    for (std::size_t i = 1; i < chain->size(); ++i) {
        is_set = is_set && SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
    }
    if (!is_set) {
        const char* const why = ERR_reason_error_string(ERR_peek_last_error());
        return tl::unexpected("the client certificate in " + origin_of(access.certificate) +
                              " cannot be used: " + (why == nullptr ? "OpenSSL refuses it" : why));
    }
    return {};
}

}  // namespace

std::string expected_name(const ApiAccess& access) {
    std::string name = access.server_name.empty() ? access.host : access.server_name;
    if (name.ends_with('.')) {
        name.pop_back();
    }
    return name;
}

std::string sni_of(const ApiAccess& access) {
    const std::string name = expected_name(access);
    return ip_family(name) ? "" : name;
}

tl::expected<void, HttpFailure> set_up_tls(ssl_ctx_st* context, const ApiAccess& access,
                                           TlsReport& report) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    report.watch(context, !access.insecure);
    Outcome fault;
    if (!access.insecure) {
        fault = trust(context, access).and_then([&] { return demand_name(context, access); });
    }
    if (fault) {
        fault = show(context, access);
    }
    if (!fault) {
        return tl::unexpected(HttpFailure{HttpFailure::Kind::Credentials, fault.error()});
    }
    return {};
}

}  // namespace k8s_client

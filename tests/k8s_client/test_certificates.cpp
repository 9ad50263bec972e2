#include "tests/k8s_client/test_certificates.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tests/k8s_client/openssl_handles.h"

namespace k8s_client::testing {
namespace {

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
    REQUIRE_MESSAGE(extension, value);
    REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void describe(X509* certificate, const CertificateWish& wish) {
    std::uint64_t serial = 0;
    REQUIRE(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish.starts_in);
    X509_gmtime_adj(X509_getm_notAfter(certificate), wish.ends_in);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                               -1, 0);
}

}  // namespace

PemPair make_certificate(const CertificateWish& wish, const PemPair& issuer) {
    const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const Certificate certificate(X509_new(), X509_free);
    REQUIRE(key);
    describe(certificate.get(), wish);
    X509_set_pubkey(certificate.get(), key.get());

    Certificate parent(nullptr, X509_free);
    Key parent_key(nullptr, EVP_PKEY_free);
    if (!issuer.key.empty()) {
        parent.reset(
            PEM_read_bio_X509(memory(issuer.certificate).get(), nullptr, nullptr, nullptr));
        parent_key.reset(
            PEM_read_bio_PrivateKey(memory(issuer.key).get(), nullptr, nullptr, nullptr));
        REQUIRE(parent);
        REQUIRE(parent_key);
    }
    X509* const signer = parent ? parent.get() : certificate.get();
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
    add_extension(certificate.get(), signer, NID_basic_constraints,
                  wish.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    std::string names;
    for (const std::string& name : wish.names) {
        names += (names.empty() ? "" : ",") + name;
    }
    if (!names.empty()) {
        add_extension(certificate.get(), signer, NID_subject_alt_name, names);
    }
    REQUIRE(X509_sign(certificate.get(), parent_key ? parent_key.get() : key.get(), EVP_sha256()) >
            0);

    const Bio out = empty_memory();
    const Bio key_out = empty_memory();
    PEM_write_bio_X509(out.get(), certificate.get());
    PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {content(out), content(key_out)};
}

PemPair make_authority(const std::string& common_name) {
    CertificateWish wish;
    wish.common_name = common_name;
    wish.is_ca = true;
    return make_certificate(wish);
}

}  // namespace k8s_client::testing

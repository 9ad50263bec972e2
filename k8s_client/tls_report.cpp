#include "k8s_client/tls_report.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ctime>
#include <memory>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "k8s_client/credential_text.h"
#include "k8s_client/tls_context.h"

namespace k8s_client {
namespace {

constexpr int kMaxNames = 12;

/// A server chooses these texts: nothing of them may move a terminal or end a line.
std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.substr(0, 256);
}

std::string name_text(const X509_NAME* name) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return printable(std::string(data, static_cast<std::size_t>(size)));
}

std::string date_text(const ASN1_TIME* time) {
    std::tm parts{};
    std::array<char, 32> text{};
    if (ASN1_TIME_to_tm(time, &parts) != 1 ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        return "an unreadable date";
    }
    return text.data();
}

std::string string_text(const ASN1_STRING* string) {
    return printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                      static_cast<std::size_t>(ASN1_STRING_length(string))});
}

std::string address_text(const ASN1_OCTET_STRING* octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = ASN1_STRING_length(octets) == 4 ? AF_INET : AF_INET6;
    const bool is_address = family == AF_INET || ASN1_STRING_length(octets) == 16;
    if (!is_address ||
        inet_ntop(family, ASN1_STRING_get0_data(octets), text.data(), text.size()) == nullptr) {
        return "?";
    }
    return text.data();
}

/// `kubernetes, 10.96.0.1`: DNS names and addresses of the SAN.
std::string names_of(const X509* certificate) {
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
        static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
        GENERAL_NAMES_free);
    std::string text;
    const int count = all ? sk_GENERAL_NAME_num(all.get()) : 0;
    for (int i = 0; i < std::min(count, kMaxNames); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS || name->type == GEN_IPADD) {
            text += (text.empty() ? "" : ", ") + (name->type == GEN_DNS
                                                      ? string_text(name->d.dNSName)
                                                      : address_text(name->d.iPAddress));
        }
    }
    return text + (count > kMaxNames ? ", ..." : "");
}

bool is_unknown_issuer(int error) {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // a CA of the same name, with another key
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_UNTRUSTED:
            return true;
        default:
            return false;
    }
}

/// RFC 8446 §6.2: those by which a server refuses what the client has shown of itself.
bool is_about_certificate(int alert) {
    switch (alert) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
        case SSL_AD_DECRYPT_ERROR:
        case SSL_AD_CERTIFICATE_REQUIRED:
            return true;
        default:
            return false;
    }
}

}  // namespace

void TlsReport::watch(ssl_ctx_st* context, bool verify) {
    ERR_clear_error();
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, verified);
    SSL_CTX_set_info_callback(context, happened);
}

int TlsReport::verified(int is_good, x509_store_ctx_st* context) {
    const auto* const connection = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    SSL_CTX* const owner = SSL_get_SSL_CTX(connection);
    // Without verification OpenSSL still looks at the chain, and goes on whatever is said here.
    if (is_good == 0 && SSL_CTX_get_verify_mode(owner) != SSL_VERIFY_NONE) {
        static_cast<TlsReport*>(SSL_CTX_get_app_data(owner))->note_fault(context);
    }
    return is_good;
}

void TlsReport::note_fault(x509_store_ctx_st* context) {
    const X509* const certificate = X509_STORE_CTX_get_current_cert(context);
    const X509* const servers = X509_STORE_CTX_get0_cert(context);
    verify_error_ = X509_STORE_CTX_get_error(context);
    is_ca_ = X509_STORE_CTX_get_error_depth(context) > 0;
    if (certificate != nullptr) {
        subject_ = name_text(X509_get_subject_name(certificate));
        issuer_ = name_text(X509_get_issuer_name(certificate));
        not_before_ = date_text(X509_get0_notBefore(certificate));
        not_after_ = date_text(X509_get0_notAfter(certificate));
    }
    names_ = servers == nullptr ? "" : names_of(servers);
}

void TlsReport::happened(const ssl_st* connection, int where, int value) {
    constexpr int kFatal = SSL3_AL_FATAL << 8;
    if ((where & SSL_CB_ALERT) != 0 && (where & SSL_CB_READ) != 0 && (value & ~0xff) == kFatal) {
        SSL_CTX* const owner = SSL_get_SSL_CTX(connection);
        static_cast<TlsReport*>(SSL_CTX_get_app_data(owner))->alert_ = value & 0xff;
    }
}

bool TlsReport::is_cut() const {
    const unsigned long error = ERR_peek_error();
    const int reason = ERR_GET_REASON(error);
    // A reset leaves no error of its own, but one of the SSL_shutdown() that follows it.
    return !is_refusal() && (error == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
                             reason == SSL_R_SHUTDOWN_WHILE_IN_INIT);
}

std::string TlsReport::text(const ApiAccess& access) const {
    if (verify_error_ != 0) {
        return verify_text(access);
    }
    if (alert_ != 0) {
        return alert_text(access);
    }
    const std::string where = host_and_port(access);
    if (is_cut()) {
        return where + " closed the connection during the TLS handshake, or fell silent";
    }
    const unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER) {
        return where + " does not speak TLS: is it a port of plain HTTP, or another server's?";
    }
    const char* const why = ERR_reason_error_string(error);
    return "the TLS handshake with " + where +
           " failed: " + (why == nullptr ? "OpenSSL does not say why" : why);
}

std::string TlsReport::verify_text(const ApiAccess& access) const {
    const std::string whose = is_ca_ ? "the CA certificate " + subject_ + " behind the API server's"
                                     : std::string("the API server's certificate");
    if (verify_error_ == X509_V_ERR_HOSTNAME_MISMATCH ||
        verify_error_ == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return "the API server's certificate is not for " + expected_name(access) + ": it names " +
               (names_.empty() ? "nothing (no subject alternative name)" : names_) +
               "; give an address that it names, or set tls-server-name in a kubeconfig";
    }
    if (verify_error_ == X509_V_ERR_CERT_HAS_EXPIRED) {
        return whose + " expired on " + not_after_ + ": renew it, or check the clocks of both";
    }
    if (verify_error_ == X509_V_ERR_CERT_NOT_YET_VALID) {
        return whose + " is not valid before " + not_before_ + ": check the clocks of both";
    }
    if (is_unknown_issuer(verify_error_)) {
        return "the API server's certificate is not signed by the CA in " +
               (access.ca.given() ? origin_of(access.ca) : "the system's store") + ": " + subject_ +
               " is issued by " + issuer_ + "; give that CA, or check that this is the API server";
    }
    return whose + " is refused: " + X509_verify_cert_error_string(verify_error_);
}

std::string TlsReport::alert_text(const ApiAccess& access) const {
    const std::string said = SSL_alert_desc_string_long(alert_);
    if (!is_about_certificate(alert_)) {
        return "the API server ended the TLS connection: " + said;
    }
    if (!access.certificate.given()) {
        return "the API server wants a client certificate (" + said +
               "): give one by 'tls' or 'kubeconfig'";
    }
    return "the API server refuses our client certificate in " + origin_of(access.certificate) +
           " (" + said + "): give one that is valid and signed by the CA that it trusts";
}

}  // namespace k8s_client

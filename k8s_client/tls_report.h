// What went wrong while a TLS connection was made, in words that say what to mend.
// Knows OpenSSL's verification errors and TLS alerts; decides nothing. Filled in by OpenSSL's
// callbacks, on the thread of the connection.
#pragma once

#include <string>

#include "k8s_client/api_access.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace k8s_client {

class TlsReport {
  public:
    TlsReport() = default;
    TlsReport(const TlsReport&) = delete;
    TlsReport& operator=(const TlsReport&) = delete;

    /// Takes note of all connections of `context`; with `verify`, the server's certificate is
    /// checked, and a connection fails with the first fault of it.
    void watch(ssl_ctx_st* context, bool verify);

    /// The server's certificate was refused by us, or something of ours by the server.
    bool is_refusal() const { return verify_error_ != 0 || alert_ != 0; }

    /// The peer went away, or fell silent, before anything could be judged. As text(), on the
    /// connection's thread.
    bool is_cut() const;

    /// One line. To be called on the connection's thread, before OpenSSL is used again there.
    std::string text(const ApiAccess& access) const;

  private:
    static int verified(int is_good, x509_store_ctx_st* context);
    static void happened(const ssl_st* connection, int where, int value);
    void note_fault(x509_store_ctx_st* context);
    std::string verify_text(const ApiAccess& access) const;
    std::string alert_text(const ApiAccess& access) const;

    int verify_error_ = 0;  // X509_V_ERR_*
    bool is_ca_ = false;    // the fault is not in the server's own certificate
    std::string subject_;   // of the certificate with the fault
    std::string issuer_;
    std::string not_before_;
    std::string not_after_;
    std::string names_;  // that the server's certificate is for
    int alert_ = 0;      // that the server sent
};

}  // namespace k8s_client

// OpenSSL as a connection to the API server needs it: whom it trusts, what the server's certificate
// must be for, what we show of ourselves.
// Knows certificates and keys, and reads them from where they are at this moment; knows no sockets.
// Names and addresses are compared by OpenSSL itself (X509_VERIFY_PARAM). Free of state; one thread
// per context.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "k8s_client/api_access.h"
#include "k8s_client/http_get.h"
#include "k8s_client/tls_report.h"

struct ssl_ctx_st;

namespace k8s_client {

/// Makes a fresh client context do what `access` says. `report` must outlive all connections of
/// the context. Fails as Kind::Credentials.
tl::expected<void, HttpFailure> set_up_tls(ssl_ctx_st* context, const ApiAccess& access,
                                           TlsReport& report);

/// What the server's certificate must be for: the server_name, else the host.
std::string expected_name(const ApiAccess& access);

/// What is sent as SNI; empty for an address (RFC 6066 §3).
std::string sni_of(const ApiAccess& access);

}  // namespace k8s_client

// Requests to the API server over HTTP/1.1 and TLS, by cpp-httplib and OpenSSL.
// Knows ApiAccess and reads token, CA, certificate and key anew for each request, which has a
// connection of its own; follows no redirect and no proxy of the environment. Knows no Kubernetes.
// get() from one thread at a time, interrupt() and stop() from any; SIGPIPE must be ignored by the
// process.
#pragma once

#include <chrono>
#include <string>

#include "k8s_client/api_access.h"
#include "k8s_client/http_get.h"
#include "k8s_client/stoppable_socket.h"

namespace k8s_client {

class ApiConnection : public HttpGet {
  public:
    /// For connecting, over all addresses of the host together, and again for each step of the TLS
    /// handshake.
    static constexpr std::chrono::seconds kConnectLimit{5};

    ApiConnection(ApiAccess access, std::string user_agent);

    tl::expected<void, HttpFailure> get(const HttpRequest& request, HttpBody& body) override;

    /// get() returns at once, but for the look-up of a host that is a name.
    void stop() override { socket_.stop(); }

    void interrupt() override { socket_.interrupt(); }

  private:
    tl::expected<void, HttpFailure> attempt(const HttpRequest& request, HttpBody& body);

    const ApiAccess access_;
    const std::string user_agent_;
    StoppableSocket socket_;
};

}  // namespace k8s_client

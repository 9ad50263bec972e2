// One GET after the other, as the reflectors need it: streamed, interruptible, with its failure
// told apart by what is to be done about it.
// Knows no Kubernetes. An interface, so that tests can play a server's part without sockets;
// api_connection.h is the real one. get() from one thread at a time, stop() from any.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace k8s_client {

struct HttpRequest {
    std::string target;  // path and query, percent-encoded
    std::string accept = "application/json";
    std::chrono::milliseconds idle_limit{30'000};  // longest time without an octet from the server
    bool is_watch = false;  // the response goes on until one of the two ends it
};

struct HttpHead {
    static constexpr int kOk = 200;

    int status = 0;
    std::optional<std::chrono::seconds> retry_after;  // the header, if it is a number of seconds
};

/// Takes a response as it arrives; returning false ends the request with Kind::GivenUp.
class HttpBody {
  public:
    virtual ~HttpBody() = default;
    /// Called once, before any octet of the body, whatever the status.
    virtual bool head(const HttpHead& head) = 0;
    /// Decompressed.
    virtual bool chunk(std::string_view octets) = 0;
};

struct HttpFailure {
    enum class Kind {
        Connect,      // no connection: refused, no route, no such host, timed out
        Tls,          // the server is not who it should be, or refuses our certificate
        Credentials,  // a token, certificate or key of ours cannot be read
        Broken,       // the response ended early
        Silent,       // nothing came for idle_limit
        GivenUp,      // the receiver wanted no more
        Stopped,      // stop() was called
    };
    Kind kind;
    std::string text;  // one line: what happened and, where it can be told, what to mend
};

class HttpGet {
  public:
    virtual ~HttpGet() = default;
    /// Blocks until the response has ended well, or the failure.
    virtual tl::expected<void, HttpFailure> get(const HttpRequest& request, HttpBody& body) = 0;
    /// From now on get() returns Stopped: at once, or within the time-out of a connect under way.
    virtual void stop() = 0;
    /// A get() under way ends as if the server had cut it; one that is not is not touched.
    virtual void interrupt() {}
};

}  // namespace k8s_client

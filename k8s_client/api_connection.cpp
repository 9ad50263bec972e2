#include "k8s_client/api_connection.h"

#include <charconv>
#include <fcntl.h>
#include <memory>
#include <optional>

#include <httplib.h>
#include <openssl/ssl.h>

#include "k8s_client/credential_text.h"
#include "k8s_client/gunzip.h"
#include "k8s_client/tls_context.h"
#include "k8s_client/tls_report.h"

namespace k8s_client {
namespace {

using Done = tl::expected<void, HttpFailure>;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kWriteLimit{10};

Done failed(HttpFailure::Kind kind, std::string text) {
    return tl::unexpected(HttpFailure{kind, std::move(text)});
}

/// A client of cpp-httplib whose connection is made by StoppableSocket: cpp-httplib's own stop()
/// is lost before it has a socket, and its errors do not tell why there is none.
template <typename Client>
class SocketClient : public Client {
  public:
    SocketClient(const std::string& name, const ApiAccess& access, StoppableSocket& socket,
                 std::chrono::milliseconds idle_limit)
        : Client(name, access.port),
          access_(access),
          socket_(socket),
          limits_{ApiConnection::kConnectLimit, idle_limit, kWriteLimit} {
        this->set_connection_timeout(ApiConnection::kConnectLimit);
        this->set_read_timeout(idle_limit);
        this->set_write_timeout(kWriteLimit);
        this->set_follow_location(false);
        this->set_url_encode(false);  // the target is encoded
        this->set_decompress(false);  // Gunzip notices a stream that is cut
    }

    const std::string& connect_fault() const { return connect_fault_; }

  private:
    bool create_and_connect_socket(typename Client::Socket& socket,
                                   httplib::Error& error) override {
        const auto connected = socket_.connect(access_.host, access_.port, limits_);
        if (!connected) {
            connect_fault_ = connected.error();
            error = httplib::Error::Connection;
            return false;
        }
        socket.sock = *connected;
        return true;
    }

    const ApiAccess& access_;
    StoppableSocket& socket_;
    const StoppableSocket::Limits limits_;
    std::string connect_fault_;
};

/// With TLS 1.3 a server refuses our certificate only after the handshake (RFC 8446 §4.4.2.4), and
/// closes: then the request fails to be written, and cpp-httplib does not read what was said.
class TlsClient : public SocketClient<httplib::SSLClient> {
    using SocketClient::SocketClient;

    /// In place of cpp-httplib's own, which frees alike.
    void shutdown_ssl(Socket& socket, bool shutdown_gracefully) override {
        if (socket.ssl == nullptr) {
            return;
        }
        char octet = 0;
        (void)fcntl(socket.sock, F_SETFL, fcntl(socket.sock, F_GETFL) | O_NONBLOCK);
        (void)SSL_read(socket.ssl, &octet, 1);  // hands an alert to TlsReport
        if (shutdown_gracefully) {
            SSL_shutdown(socket.ssl);
        }
        SSL_free(socket.ssl);
        socket.ssl = nullptr;
    }
};

std::optional<std::chrono::seconds> retry_after(const httplib::Response& response) {
    const std::string text = response.get_header_value("Retry-After");
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return std::chrono::seconds(seconds);
}

/// One request. cpp-httplib takes it as strings, and is lent this one; what it makes of it on its
/// way to OpenSSL (a buffer on the heap, freed at once) is out of reach.
struct Sent {
    httplib::Request request;

    Sent() = default;
    Sent(const Sent&) = delete;
    Sent& operator=(const Sent&) = delete;
    ~Sent() { forget_token(); }

    /// Once it has been sent: a watch goes on for minutes.
    void forget_token() {
        if (const auto at = request.headers.find("Authorization"); at != request.headers.end()) {
            wipe(at->second.data(), at->second.size());
        }
    }

    void authorize(const Secret& token) {
        constexpr std::string_view kScheme = "Bearer ";  // RFC 6750 §2.1
        std::string& value = request.headers.emplace("Authorization", "")->second;
        value.reserve(kScheme.size() + token.reveal().size());  // or it would leave copies behind
        value.append(kScheme).append(token.reveal());
    }
};

/// Takes one response from cpp-httplib and hands it on.
class Response {
  public:
    Response(HttpBody& body, const StoppableSocket& socket) : body_(body), socket_(socket) {}

    bool take_head(const httplib::Response& response) {
        last_octet_ = Clock::now();
        const std::string coding = response.get_header_value("Content-Encoding");
        if (coding == "gzip") {
            gunzip_.emplace();
        } else if (!coding.empty() && coding != "identity") {
            failure_ = failed(HttpFailure::Kind::Broken,
                              "the API server's response is in a coding that was "
                              "not asked for (Content-Encoding)");
            return false;
        }
        return goes_on(body_.head({response.status, retry_after(response)}));
    }

    bool take_chunk(std::string_view octets) {
        last_octet_ = Clock::now();
        if (!gunzip_) {
            return goes_on(body_.chunk(octets));
        }
        const Gunzip::Outcome outcome = gunzip_->feed(octets, body_);
        if (outcome == Gunzip::Outcome::Damaged) {
            failure_ =
                failed(HttpFailure::Kind::Broken, "the API server's response is damaged gzip");
            return false;
        }
        return goes_on(outcome == Gunzip::Outcome::Good);
    }

    /// What the receiver or the coding objected to; nothing wrong if they did not.
    const Done& failure() const { return failure_; }
    bool is_cut() const { return gunzip_ && !gunzip_->is_complete(); }
    Clock::duration silence() const { return Clock::now() - last_octet_; }

  private:
    bool goes_on(bool is_wanted) {
        if (!is_wanted) {
            failure_ = failed(HttpFailure::Kind::GivenUp, "the response was not wanted to its end");
        }
        return is_wanted && !socket_.stopped();
    }

    HttpBody& body_;
    const StoppableSocket& socket_;
    std::optional<Gunzip> gunzip_;
    Clock::time_point last_octet_ = Clock::now();
    Done failure_;
};

/// What became of a request, from cpp-httplib's error and what was seen beside it.
Done outcome_of(httplib::Error error, const ApiAccess& access, const HttpRequest& request,
                const Response& response, const TlsReport& report,
                const std::string& connect_fault) {
    if (!response.failure()) {
        return response.failure();
    }
    switch (error) {
        case httplib::Error::Success:
            return response.is_cut() ? failed(HttpFailure::Kind::Broken,
                                              "the API server's response is gzip "
                                              "that ended early")
                                     : Done();
        case httplib::Error::Connection:
            return failed(HttpFailure::Kind::Connect, connect_fault);
        case httplib::Error::SSLConnection:
            return failed(report.is_cut() ? HttpFailure::Kind::Connect : HttpFailure::Kind::Tls,
                          report.text(access));
        default:
            break;
    }
    if (report.is_refusal()) {
        return failed(HttpFailure::Kind::Tls, report.text(access));
    }
    const std::string where = "the API server at " + host_and_port(access);
    if (response.silence() >= request.idle_limit) {
        return failed(HttpFailure::Kind::Silent,
                      "nothing came from " + where + " for " +
                          std::to_string(request.idle_limit.count() / 1000) + " s");
    }
    return failed(HttpFailure::Kind::Broken,
                  "the connection to " + where + " ended before the response did");
}

}  // namespace

ApiConnection::ApiConnection(ApiAccess access, std::string user_agent)
    : access_(std::move(access)), user_agent_(std::move(user_agent)) {}

Done ApiConnection::get(const HttpRequest& request, HttpBody& body) {
    socket_.begin();
    Done done = attempt(request, body);
    socket_.end();
    return socket_.stopped() ? failed(HttpFailure::Kind::Stopped, "stopped") : done;
}

Done ApiConnection::attempt(const HttpRequest& request, HttpBody& body) {
    if (socket_.stopped()) {
        return {};
    }
    Response response(body, socket_);
    Sent sent;
    sent.request.method = "GET";
    sent.request.path = access_.path + request.target;
    sent.request.headers = {{"Host", host_and_port(access_)},
                            {"User-Agent", user_agent_},
                            {"Accept", request.accept},
                            {"Accept-Encoding", "gzip"}};
    sent.request.response_handler = [&](const httplib::Response& head) {
        sent.forget_token();
        return response.take_head(head);
    };
    sent.request.content_receiver = [&](const char* octets, std::size_t n, std::uint64_t /*at*/,
                                        std::uint64_t /*of*/) {
        return response.take_chunk({octets, n});
    };
    if (access_.token.given()) {
        const auto token = token_text(access_.token);
        if (!token) {
            return failed(HttpFailure::Kind::Credentials, token.error());
        }
        sent.authorize(*token);
    }
    TlsReport report;  // the client's connections refer to it
    const auto send = [&](auto& client) {
        httplib::Response head;
        auto error = httplib::Error::Success;
        client.send(sent.request, head, error);
        return outcome_of(error, access_, request, response, report, client.connect_fault());
    };
    if (!access_.tls) {
        SocketClient<httplib::ClientImpl> client(access_.host, access_, socket_,
                                                 request.idle_limit);
        return send(client);
    }
    // cpp-httplib sends the name that it is given as SNI; nothing if it is empty.
    TlsClient client(sni_of(access_), access_, socket_, request.idle_limit);
    // Its own check takes addresses and names that do not match; OpenSSL's is in the context.
    client.enable_server_certificate_verification(false);
    const Done prepared = set_up_tls(client.ssl_context(), access_, report);
    return prepared ? send(client) : prepared;
}

}  // namespace k8s_client

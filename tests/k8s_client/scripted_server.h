// An HTTP server for tests that says what it is told, octet by octet, over TLS or without.
// Knows sockets and OpenSSL; knows no HTTP but where a request's head ends. Serves one connection
// after the other on a thread of its own, which calls the script; all else is for the test's
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "k8s_client/file_descriptor.h"
#include "tests/k8s_client/test_certificates.h"

struct ssl_ctx_st;
struct ssl_st;

namespace k8s_client::testing {

/// One connection, in the script's hands. What it sends to a peer that is gone is lost.
class Peer {
  public:
    Peer(int socket, ssl_st* tls) : socket_(socket), tls_(tls) {}
    void send(std::string_view octets);
    /// Says nothing more, and goes on listening: FIN without TLS's close_notify.
    void half_close();
    /// Until the client goes, or the server is destroyed.
    void wait_for_end();
    std::string read_head();

  private:
    long receive(char* buffer, std::size_t size);

    int socket_;
    ssl_st* tls_;
};

struct ServerWish {
    PemPair own{};            // nothing: no TLS
    std::string client_ca{};  // PEM; if given, clients must show a certificate of it
    bool tls12 = false;
    bool reads_head = true;  // or the script is called as soon as there is a connection
};

class ScriptedServer {
  public:
    using Script = std::function<void(Peer&)>;

    /// Listens on `address` (127.0.0.1 or ::1); the script is called after each request's head.
    ScriptedServer(ServerWish wish, Script script, const std::string& address = "127.0.0.1");
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    std::uint16_t port() const { return port_; }
    /// The heads of all requests so far.
    std::vector<std::string> requests() const;
    /// The SNI of each TLS connection so far.
    std::vector<std::string> server_names() const;

  private:
    void run();
    void serve(int socket);
    void talk(Peer& peer);

    Script script_;
    const bool reads_head_;
    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopped_ = false;
    mutable std::mutex mutex_;  // guards the rest
    FileDescriptor listening_;
    int connected_ = -1;
    std::vector<std::string> requests_;
    std::vector<std::string> server_names_;
    std::thread thread_;
};

}  // namespace k8s_client::testing

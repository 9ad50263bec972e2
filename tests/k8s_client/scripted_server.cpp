#include "tests/k8s_client/scripted_server.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tests/k8s_client/openssl_handles.h"

namespace k8s_client::testing {
namespace {

using Context = std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)>;

Certificate certificate_of(const std::string& pem) {
    Certificate certificate(PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr),
                            X509_free);
    REQUIRE(certificate);
    return certificate;
}

Context make_context(const ServerWish& wish) {
    Context context(nullptr, SSL_CTX_free);
    if (wish.own.certificate.empty()) {
        return context;
    }
    context.reset(SSL_CTX_new(TLS_server_method()));
    REQUIRE(context);
    const Key key(PEM_read_bio_PrivateKey(memory(wish.own.key).get(), nullptr, nullptr, nullptr),
                  EVP_PKEY_free);
    REQUIRE(SSL_CTX_use_certificate(context.get(), certificate_of(wish.own.certificate).get()) ==
            1);
    REQUIRE(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
    if (!wish.client_ca.empty()) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                            certificate_of(wish.client_ca).get());
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
    }
    if (wish.tls12) {
        SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    }
    return context;
}

}  // namespace

void Peer::send(std::string_view octets) {
    while (!octets.empty()) {
        const long n = tls_ != nullptr
                           ? SSL_write(tls_, octets.data(), static_cast<int>(octets.size()))
                           : ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        octets.remove_prefix(static_cast<std::size_t>(n));
    }
}

void Peer::half_close() {
    shutdown(socket_, SHUT_WR);
}

long Peer::receive(char* buffer, std::size_t size) {
    return tls_ != nullptr ? SSL_read(tls_, buffer, static_cast<int>(size))
                           : recv(socket_, buffer, size, 0);
}

void Peer::wait_for_end() {
    std::array<char, 256> buffer;
    while (receive(buffer.data(), buffer.size()) > 0) {
    }
}

std::string Peer::read_head() {
    std::string head;
    char c = 0;
    while (!head.ends_with("\r\n\r\n") && receive(&c, 1) == 1) {
        head += c;
    }
    return head;
}

ScriptedServer::ScriptedServer(ServerWish wish, Script script, const std::string& address)
    : script_(std::move(script)), reads_head_(wish.reads_head), context_(make_context(wish)) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const bool is_v6 = address.find(':') != std::string::npos;
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    storage.ss_family = is_v6 ? AF_INET6 : AF_INET;
    void* const octets = is_v6 ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr;
    REQUIRE(inet_pton(storage.ss_family, address.c_str(), octets) == 1);
    listening_ = FileDescriptor(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto* const generic = reinterpret_cast<sockaddr*>(&storage);
    REQUIRE(bind(listening_.get(), generic, is_v6 ? sizeof v6 : sizeof v4) == 0);
    REQUIRE(listen(listening_.get(), 8) == 0);
    REQUIRE(getsockname(listening_.get(), generic, &size) == 0);
    port_ = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
    thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
    stopped_ = true;
    {
        const std::lock_guard lock(mutex_);
        shutdown(listening_.get(), SHUT_RDWR);
        if (connected_ >= 0) {
            shutdown(connected_, SHUT_RDWR);
        }
    }
    thread_.join();
}

std::vector<std::string> ScriptedServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::vector<std::string> ScriptedServer::server_names() const {
    const std::lock_guard lock(mutex_);
    return server_names_;
}

void ScriptedServer::run() {
    while (!stopped_) {
        const FileDescriptor socket(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) {
            continue;
        }
        {
            const std::lock_guard lock(mutex_);
            if (stopped_) {
                return;
            }
            connected_ = socket.get();
        }
        serve(socket.get());
        const std::lock_guard lock(mutex_);
        connected_ = -1;
    }
}

void ScriptedServer::serve(int socket) {
    if (!context_) {
        Peer peer(socket, nullptr);
        talk(peer);
        return;
    }
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(tls.get(), socket);
    ERR_clear_error();
    if (SSL_accept(tls.get()) == 1) {
        {
            const char* const name = SSL_get_servername(tls.get(), TLSEXT_NAMETYPE_host_name);
            const std::lock_guard lock(mutex_);
            server_names_.emplace_back(name == nullptr ? "" : name);
        }
        Peer peer(socket, tls.get());
        talk(peer);
        SSL_shutdown(tls.get());
    }
}

void ScriptedServer::talk(Peer& peer) {
    if (!reads_head_) {
        script_(peer);
        return;
    }
    const std::string head = peer.read_head();
    if (!head.ends_with("\r\n\r\n")) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(head);
    }
    script_(peer);
}

}  // namespace k8s_client::testing

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <future>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sstream>
#include <sys/socket.h>
#include <thread>

#include <doctest/doctest.h>

#include "k8s_client/file_descriptor.h"
#include "k8s_client/stoppable_socket.h"
#include "tests/k8s_client/api_requests.h"

using namespace k8s_client;
using namespace k8s_client::testing;
using namespace std::chrono_literals;

namespace {

/// Listens, accepts nothing. Clients are connected by the kernel, and stay without a word.
class SilentListener {
  public:
    explicit SilentListener(int backlog)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        REQUIRE(bind(socket_.get(), generic, size) == 0);
        REQUIRE(listen(socket_.get(), backlog) == 0);
        REQUIRE(getsockname(socket_.get(), generic, &size) == 0);
        port_ = ntohs(address.sin_port);
    }
    std::uint16_t port() const { return port_; }

  private:
    FileDescriptor socket_;
    std::uint16_t port_ = 0;
};

/// With its queue of one full, the kernel drops every SYN: as if packets went nowhere.
class BlackHole {
  public:
    BlackHole() : listener_(0) {
        REQUIRE(filler_.connect("127.0.0.1", listener_.port(), {1s, 1s, 1s}).has_value());
    }
    std::uint16_t port() const { return listener_.port(); }

  private:
    SilentListener listener_;
    StoppableSocket filler_;
};

ApiAccess access_at(std::uint16_t port) {
    ApiAccess access;
    access.host = "127.0.0.1";
    access.port = port;
    access.tls = false;
    return access;
}

/// Until a socket connected, or connecting, to 127.0.0.1:`port` is in `state` (of /proc/net/tcp).
bool comes_to(std::uint16_t port, const std::string& state) {
    std::array<char, 32> wanted;
    (void)snprintf(wanted.data(), wanted.size(), " 0100007F:%04X %s ", port, state.c_str());
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
        std::ostringstream text;
        text << std::ifstream("/proc/net/tcp").rdbuf();
        if (text.str().find(wanted.data()) != std::string::npos) {
            return true;
        }
        std::this_thread::sleep_for(1ms);
    }
    return false;
}

/// Runs a get() on a thread, calls stop() once `until` has returned, and says what it came to.
std::string stopped_outcome(const ApiAccess& access, const std::function<void()>& until) {
    ApiConnection connection(access, "test");
    RecordingBody body;
    auto result = std::async(std::launch::async, [&] { return outcome(connection, body); });
    until();
    const auto before = std::chrono::steady_clock::now();
    connection.stop();
    const std::string text = result.get();
    // Far below all time-outs, and far above what a loaded machine needs.
    CHECK(std::chrono::steady_clock::now() - before < 2s);
    CHECK(outcome(connection, body) == "Stopped: stopped");  // and for good
    return text;
}

}  // namespace

TEST_CASE("api connection: stop before get") {
    const ScriptedServer server({}, say(reply("{}")));
    ApiConnection connection(plain_access(server), "test");
    connection.stop();
    RecordingBody body;
    CHECK(outcome(connection, body) == "Stopped: stopped");
    CHECK(body.heads.empty());
    CHECK(server.requests().empty());
}

TEST_CASE("api connection: stop while a watch is read") {
    CertificateWish wish;
    wish.names = {"IP:127.0.0.1"};
    const PemPair own = make_certificate(wish);
    for (const bool tls : {false, true}) {
        for (const char* octets : {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
            std::promise<void> reading;
            const ScriptedServer server({tls ? own : PemPair()}, [&](Peer& peer) {
                peer.send(octets);
                reading.set_value();
                peer.wait_for_end();
            });
            ApiAccess access = plain_access(server);
            access.tls = tls;
            access.ca.text = Secret(own.certificate);
            CHECK(stopped_outcome(access, [&] { reading.get_future().wait(); }) ==
                  "Stopped: stopped");
        }
    }
}

TEST_CASE("api connection: stop while the server's TLS is silent") {
    const SilentListener silent(8);
    ApiAccess access = access_at(silent.port());
    access.tls = true;
    access.insecure = true;
    const auto until = [&] { REQUIRE(comes_to(silent.port(), "01")); };  // TCP_ESTABLISHED
    CHECK(stopped_outcome(access, until) == "Stopped: stopped");
}

TEST_CASE("api connection: stop while connecting") {
    const BlackHole hole;
    const auto until = [&] { REQUIRE(comes_to(hole.port(), "02")); };  // TCP_SYN_SENT
    CHECK(stopped_outcome(access_at(hole.port()), until) == "Stopped: stopped");
}

TEST_CASE("api connection: interrupt ends the request under way, and no other") {
    std::promise<void> reading;
    const ScriptedServer server({}, [&, is_first = true](Peer& peer) mutable {
        if (std::exchange(is_first, false)) {
            reading.set_value();
            peer.wait_for_end();
        } else {
            peer.send(reply("{}"));
        }
    });
    ApiConnection connection(plain_access(server), "test");
    connection.interrupt();
    RecordingBody body;
    auto result = std::async(std::launch::async, [&] { return outcome(connection, body); });
    reading.get_future().wait();
    connection.interrupt();
    CHECK(result.get().starts_with("Broken: "));
    CHECK(outcome(connection, body) == "ok");
}

TEST_CASE("api connection: stop at any moment is not lost") {
    const SilentListener silent(4096);
    for (int i = 0; i < 300; ++i) {
        const ApiAccess access = access_at(silent.port());
        ApiConnection connection(access, "test");
        RecordingBody body;
        std::promise<void> begun;
        auto result = std::async(std::launch::async, [&] {
            begun.set_value();
            return outcome(connection, body);
        });
        begun.get_future().wait();
        for (int spin = 0; spin < i * 20; ++spin) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        connection.stop();
        REQUIRE(result.wait_for(5s) == std::future_status::ready);
        CHECK(result.get() == "Stopped: stopped");
    }
}

TEST_CASE("api connection: no connection") {
    std::uint16_t closed = 0;
    {
        const SilentListener gone(1);
        closed = gone.port();
    }
    ApiAccess access = access_at(closed);
    CHECK(outcome_of(access) ==
          "Connect: cannot connect to the API server at 127.0.0.1:" + std::to_string(closed) +
              ": Connection refused: is it running, and is this its port?");
    access.host = "::1";
    CHECK(outcome_of(access) ==
          "Connect: cannot connect to the API server at [::1]:" + std::to_string(closed) +
              ": Connection refused: is it running, and is this its port?");
    access.host = "a..b";
    CHECK(outcome_of(access).starts_with("Connect: cannot resolve the API server's name a..b: "));
    CHECK(outcome_of(access).ends_with(": give its address, or mend resolv.conf"));
}

TEST_CASE("stoppable socket: a time-out, and what the socket is set to") {
    const BlackHole hole;
    StoppableSocket late;
    CHECK(late.connect("127.0.0.1", hole.port(), {100ms, 1s, 1s}).error() ==
          "no connection to the API server at 127.0.0.1:" + std::to_string(hole.port()) +
              " within 1 s: check its address, the routes and network policies");

    const SilentListener silent(8);
    StoppableSocket socket;
    const auto connected = socket.connect("127.0.0.1", silent.port(), {5s, 30s, 10s});
    REQUIRE(connected.has_value());
    const FileDescriptor owned(*connected);
    const auto option = [&](int level, int name) {
        int value = 0;
        socklen_t size = sizeof value;
        REQUIRE(getsockopt(owned.get(), level, name, &value, &size) == 0);
        return value;
    };
    CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 15);
    CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 30000);
    CHECK(option(IPPROTO_TCP, TCP_NODELAY) == 1);
    timeval time{};
    socklen_t size = sizeof time;
    REQUIRE(getsockopt(owned.get(), SOL_SOCKET, SO_RCVTIMEO, &time, &size) == 0);
    CHECK(time.tv_sec == 30);
    CHECK((fcntl(owned.get(), F_GETFL) & O_NONBLOCK) == 0);
}

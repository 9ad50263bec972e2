#include "server/takeover.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

#include <doctest/doctest.h>

#include "tests/server/tcp_client.h"
#include "tests/support/scratch_folder.h"

using namespace server::testing;
using server::Fd;
using server::HandOver;
using server::Listen;
using server::PassedSocket;
using server::Predecessor;

namespace {

/// A process that runs, as far as its sockets go; its main thread looks around all the time.
class Running {
  public:
    explicit Running(const std::filesystem::path& path)
        : hand_over_(path),
          udp_(server::open_udp({"127.0.0.1", 0})),
          tcp_(server::open_tcp({"127.0.0.1", 0})),
          thread_([this] { run(); }) {}
    ~Running() {
        ending_ = true;
        thread_.join();
    }

    int udp() const { return udp_.get(); }
    bool given_away() const { return given_away_; }
    bool wait_until_given_away() const {
        for (int i = 0; i < 5000 && !given_away_; ++i) {
            ::poll(nullptr, 0, 1);
        }
        return given_away_;
    }

  private:
    void run() {
        const std::vector<PassedSocket> sockets = {
            {PassedSocket::Kind::Udp, {"127.0.0.1", 5353}, udp_.get()},
            {PassedSocket::Kind::Tcp, {"127.0.0.1", 5353}, tcp_.get()},
            {PassedSocket::Kind::Udp, {"::1", 5353}, udp_.get()},  // half a pair
            {PassedSocket::Kind::Http, {"", 8080}, tcp_.get()}};
        while (!ending_ && !given_away_) {
            given_away_ = hand_over_.poll(sockets);
            ::poll(nullptr, 0, 1);
        }
    }

    HandOver hand_over_;
    Fd udp_, tcp_;
    std::atomic<bool> ending_{false}, given_away_{false};
    std::thread thread_;
};

std::string predecessor_at(const std::filesystem::path& path) {
    try {
        return Predecessor::find(path) == nullptr ? "nobody" : "somebody";
    } catch (const server::ConfigError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("sockets change hands, the same queues behind them") {
    const support::ScratchFolder folder;
    const Running running(folder.path() / "socket");
    const auto predecessor = Predecessor::find(folder.path() / "socket");
    REQUIRE(predecessor != nullptr);
    CHECK(predecessor->listens() == std::vector<Listen>{{"127.0.0.1", 5353}});
    auto sockets = predecessor->take_sockets();
    REQUIRE(sockets.size() == 1);
    CHECK(port_of(sockets.front().udp.get()) == port_of(running.udp()));
    CHECK(sockets.front().tcp);
    const auto http = predecessor->take_http();
    REQUIRE(http.size() == 1);
    CHECK(http.front().first == Listen{"", 8080});
    CHECK_FALSE(running.given_away());
    predecessor->we_serve();
    CHECK(running.wait_until_given_away());
}

TEST_CASE("a successor that goes before it serves has taken nothing") {
    const support::ScratchFolder folder;
    const Running running(folder.path() / "socket");
    for (int i = 0; i < 3; ++i) {
        CHECK(Predecessor::find(folder.path() / "socket") != nullptr);
    }
    CHECK_FALSE(running.given_away());
}

TEST_CASE("where nobody listens there is no predecessor") {
    const support::ScratchFolder folder;
    CHECK(predecessor_at(folder.path() / "absent") == "nobody");
    { const HandOver gone(folder.path() / "socket"); }
    CHECK(predecessor_at(folder.path() / "socket") == "nobody");
}

TEST_CASE("the path belongs to the process that came last") {
    const support::ScratchFolder folder;
    const HandOver before(folder.path() / "socket");
    const Running running(folder.path() / "socket");
    const auto predecessor = Predecessor::find(folder.path() / "socket");
    REQUIRE(predecessor != nullptr);
    predecessor->we_serve();
    CHECK(running.wait_until_given_away());
}

TEST_CASE("somebody else at the path, or a path that is too long, is an error that names it") {
    const support::ScratchFolder folder;
    const auto path = folder.path() / "socket";
    const Fd other(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(other.get(), 1) == 0);
    std::thread speaks_otherwise([&] {
        const Fd peer(accept(other.get(), nullptr, nullptr));
        CHECK(send(peer.get(), "hello", 5, MSG_NOSIGNAL) == 5);
    });
    const std::string error = predecessor_at(path);
    speaks_otherwise.join();
    CHECK(error.find(path.string()) != std::string::npos);
    CHECK(error.find("does not hand its sockets over") != std::string::npos);
    CHECK(predecessor_at(folder.path() / std::string(120, 'x')).find("longer") !=
          std::string::npos);
}

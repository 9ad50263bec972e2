// TCP connections: who comes in, and who has to make room.
#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/server/tcp_rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using namespace std::chrono_literals;

namespace {

int lowest_free() {
    const int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

/// Lets the process open nothing while it lives.
class NoMoreDescriptors {
  public:
    /// `spare` more than there are.
    explicit NoMoreDescriptors(rlim_t spare = 0) {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(lowest_free()) + spare;
        setrlimit(RLIMIT_NOFILE, &now);
    }
    ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

  private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("the cap: a new connection takes the place of the one idle longest") {
    TcpRig rig({.connections = 3});
    std::vector<TcpClient> clients;
    for (std::uint16_t id = 1; id <= 3; ++id) {
        clients.push_back(rig.connected());
        clients.back().ask(web(id));
        REQUIRE(rig.run_until_ids(clients.back(), {id}));
        rig.advance(100ms);
    }
    clients[0].ask(web(4));  // not idle so long any more
    REQUIRE(rig.run_until_ids(clients[0], {1, 4}));
    TcpClient next = rig.connected();
    CHECK(rig.tcp().open() == 3);
    CHECK(clients[1].closed());
    CHECK_FALSE(clients[0].closed());
    CHECK_FALSE(clients[2].closed());
    next.ask(web(5));
    CHECK(rig.run_until_ids(next, {5}));
}

TEST_CASE("the cap: who waits for a reply is not sent away, the new one is") {
    TcpRig rig({.connections = 2});
    TcpClient first = rig.connected();
    TcpClient second = rig.connected();
    first.ask(elsewhere(1));
    second.ask(elsewhere(2));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 2; }));
    TcpClient third = rig.connected();
    CHECK(rig.tcp().open() == 2);
    CHECK(third.closed());
    for (const auto& query : rig.held()) {
        answer_with_address(rig.upstream(), query);
    }
    CHECK(rig.run_until_ids(first, {1}));
    CHECK(rig.run_until_ids(second, {2}));
    CHECK_FALSE(rig.connected().closed());
}

TEST_CASE("the last descriptors are not for clients: an idle connection makes room, else refused") {
    constexpr std::size_t kSpare = 3;
    TcpRig rig({.spare_descriptors = kSpare});
    TcpClient idle = rig.connected();
    TcpClient waiting(rig.port());
    {
        const NoMoreDescriptors limit(kSpare);
        const int first_spare = lowest_free();
        CHECK(rig.accept());
        CHECK(lowest_free() == first_spare);
    }
    CHECK(idle.closed());
    waiting.ask(elsewhere(1));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 1; }));

    TcpClient refused(rig.port());
    {
        const NoMoreDescriptors limit(kSpare);
        CHECK(rig.accept());
    }
    CHECK(rig.run_until_closed(refused));
    CHECK(rig.tcp().open() == 1);
    TcpClient next = rig.connected();
    next.ask(web(2));
    CHECK(rig.run_until_ids(next, {2}));
}

TEST_CASE("out of descriptors: an idle connection makes room, else the listener has to wait") {
    TcpRig rig({.spare_descriptors = 0});
    TcpClient idle = rig.connected();
    TcpClient waiting(rig.port());
    {
        const NoMoreDescriptors limit;
        CHECK(rig.accept());
    }
    CHECK(idle.closed());
    CHECK_FALSE(waiting.closed());
    waiting.ask(elsewhere(1));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 1; }));

    TcpClient next(rig.port());
    {
        const NoMoreDescriptors limit;
        CHECK_FALSE(rig.accept());  // whoever waits for a reply stays
        CHECK(rig.tcp().open() == 1);
    }
    CHECK(rig.accept());
    next.ask(web(2));
    CHECK(rig.run_until_ids(next, {2}));
}

TEST_CASE("one client has no more than its share, and gives up its own idle ones for more") {
    TcpRig rig({.connections = 10, .of_a_client = 2});
    TcpClient other = rig.connected_from("127.0.0.2");
    TcpClient first = rig.connected();
    rig.advance(1ms);
    TcpClient second = rig.connected();
    TcpClient third = rig.connected();
    CHECK(rig.tcp().open() == 3);
    CHECK(rig.run_until_closed(first));
    second.ask(elsewhere(2));
    third.ask(elsewhere(3));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 2; }));
    CHECK(rig.pipeline().counters().tcp_refused.get() == 0);

    TcpClient fourth = rig.connected();  // none of its own is idle
    CHECK(rig.run_until_closed(fourth));
    CHECK_FALSE(second.closed());
    CHECK(rig.pipeline().counters().tcp_evicted.get() == 1);
    CHECK(rig.pipeline().counters().tcp_refused.get() == 1);

    other.ask(web(7));
    CHECK(rig.run_until_ids(other, {7}));
    second.reset();
    third.reset();
    REQUIRE(rig.run_until([&] { return rig.tcp().open() == 1; }));
    TcpClient fifth = rig.connected();  // its share is free again
    fifth.ask(web(8));
    CHECK(rig.run_until_ids(fifth, {8}));
}

// TCP connections: what a slow, greedy or silent client can do, and what not.
#include <algorithm>
#include <array>
#include <cstdint>

#include <doctest/doctest.h>

#include "tests/server/tcp_rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::TcpLimits;
using Ids = std::vector<std::uint16_t>;

namespace {

constexpr int kSmallBuffer = 4096;

/// A Service whose answer over TCP is some 30 KiB.
Asked large_over_tcp(std::uint16_t id) {
    return {.name = "large.prod.svc.cluster.local", .id = id};
}

void apply_large(Rig& rig) {
    std::vector<std::string> addresses;
    for (int i = 0; i < 2000; ++i) {
        addresses.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1));
    }
    rig.apply({headless("prod", "large"), endpoints("prod", "large", addresses)});
}

/// Asks, without reading, until the server keeps as much as it ever does.
void ask_until_paused(TcpRig& rig, const TcpClient& client, std::size_t limit) {
    const Octets query = framed(make_query(large_over_tcp(0)));
    while (rig.tcp().buffered() < limit && client.send(query) == query.size()) {
        rig.run_once();
    }
    rig.run_dry();
}

void tick(TcpRig& rig, std::chrono::milliseconds ahead) {
    rig.advance(ahead);
    rig.tcp().tick(rig.now());
}

/// How often a limit has ended a connection: idle, message, write, queries, size.
using Ends = std::array<std::uint64_t, server::kTcpEnds>;
Ends ends(TcpRig& rig) {
    Ends counts{};
    std::ranges::transform(rig.pipeline().counters().tcp_closed, counts.begin(),
                           [](const server::Count& count) { return count.get(); });
    return counts;
}

}  // namespace

TEST_CASE("a slow reader gets everything, in order, piece by piece") {
    TcpRig rig;
    apply_large(rig);
    constexpr std::uint16_t kReplies = 20;
    TcpClient client = rig.connected(kSmallBuffer);
    Ids ids;
    for (std::uint16_t id = 1; id <= kReplies; ++id) {
        client.ask(large_over_tcp(id));
        ids.push_back(id);
    }
    REQUIRE(rig.run_until([&] {
        client.receive(8192);
        return client.received() > kReplies * 32000;
    }));
    REQUIRE(rig.run_until_ids(client, ids));
    for (const Octets& message : client.messages()) {
        REQUIRE(read_reply(message).answer.size() == 2000);
    }
}

TEST_CASE("a client that does not read stops being read, and goes on when it reads") {
    TcpRig rig({.unsent_octets = 64 * 1024});
    apply_large(rig);
    TcpClient client = rig.connected(kSmallBuffer);
    ask_until_paused(rig, client, 64 * 1024);
    const Octets query = framed(make_query(large_over_tcp(0)));
    for (int i = 0; i < 2000; ++i) {
        REQUIRE(client.send(query) == query.size());
    }
    rig.run_dry();
    const std::size_t held = rig.tcp().buffered();
    CHECK(held >= 64 * 1024);
    CHECK(held < 2 * 64 * 1024 + 32 * 1024);  // one reply and one read beyond
    const auto queries = rig.pipeline().counters().messages.get();
    rig.run_dry();
    CHECK(rig.pipeline().counters().messages.get() == queries);
    CHECK(rig.run_until([&] {
        client.receive();
        return rig.pipeline().counters().messages.get() > queries + 10;
    }));
}

TEST_CASE("a client that always leaves something unread does not make the server hoard") {
    TcpRig rig({.unsent_octets = 1024 * 1024});
    apply_large(rig);
    TcpClient client = rig.connected();
    const Octets query = framed(make_query(large_over_tcp(0)));
    std::size_t most = 0, least = 1 << 30;
    REQUIRE(rig.run_until([&] {
        while (rig.tcp().buffered() < 1024 * 1024 && client.send(query) == query.size()) {
            rig.run_once();
        }
        client.receive(64 * 1024);
        most = std::max(most, rig.tcp().buffered());
        least = std::min(least, rig.tcp().buffered());
        return client.received() > 10'000'000;
    }));
    CHECK(least > 0);  // there always was something to be sent
    CHECK(most < 3 * 1024 * 1024);
}

TEST_CASE("a connection with many waiting queries pauses, and goes on with each reply") {
    TcpRig rig({.waiting_queries = 5});
    TcpClient client = rig.connected();
    for (std::uint16_t id = 1; id <= 12; ++id) {
        client.ask(elsewhere(id));
    }
    REQUIRE(rig.run_until([&] { return rig.held().size() == 5; }));
    rig.run_dry();
    CHECK(rig.held().size() == 5);
    CHECK(rig.pipeline().counters().tcp_paused.get() == 1);
    for (std::size_t done = 0; done < 12; ++done) {
        REQUIRE(rig.run_until([&] { return rig.held().size() > done; }));
        CHECK(rig.held().size() <= done + 5);
        answer_with_address(rig.upstream(), rig.held()[done]);
        REQUIRE(rig.run_until([&] { return client.ids().size() == done + 1; }));
    }
}

TEST_CASE("a paused connection is not closed while it is the upstream that is slow") {
    TcpRig rig({.waiting_queries = 2});
    TcpClient client = rig.connected();
    for (std::uint16_t id = 1; id <= 4; ++id) {
        client.ask(elsewhere(id));
    }
    REQUIRE(rig.run_until([&] { return rig.held().size() == 2; }));
    rig.run_dry();
    tick(rig, 4500ms);
    CHECK(rig.tcp().open() == 1);
    for (std::size_t done = 0; done < 4; ++done) {
        REQUIRE(rig.run_until([&] { return rig.held().size() > done; }));
        answer_with_address(rig.upstream(), rig.held()[done]);
    }
    CHECK(rig.run_until([&] { return client.ids().size() == 4; }));
}

TEST_CASE("deadlines: nothing asked, half a message, nothing more") {
    TcpRig rig;
    TcpClient silent = rig.connected();
    TcpClient half = rig.connected();
    TcpClient idle = rig.connected();
    half.send({0, 40, 1, 2, 3});
    idle.ask(web(1));
    REQUIRE(rig.run_until_ids(idle, {1}));
    tick(rig, 2500ms);
    CHECK(rig.tcp().open() == 3);
    tick(rig, 1000ms);
    CHECK(rig.tcp().open() == 1);
    CHECK(silent.closed());
    CHECK(half.closed());
    tick(rig, 6000ms);
    CHECK_FALSE(idle.closed());
    CHECK(ends(rig) == Ends{0, 2, 0, 0, 0});
    tick(rig, 1500ms);
    CHECK(idle.closed());
}

TEST_CASE("deadlines: as `timeouts` has them, and by default what it leaves out") {
    TcpRig rig;
    rig.routing().routes.at(0).timeouts.read = 5s;
    rig.routing().routes.at(0).timeouts.idle = 2s;
    TcpClient silent = rig.connected();
    TcpClient idle = rig.connected();
    idle.ask(web(1));
    REQUIRE(rig.run_until_ids(idle, {1}));
    tick(rig, 2500ms);
    CHECK(idle.closed());
    CHECK_FALSE(silent.closed());
    tick(rig, 3000ms);
    CHECK(silent.closed());
}

TEST_CASE("maxtcpqueries: the connection ends with the reply to the last of them") {
    TcpRig rig;
    rig.routing().routes.at(0).timeouts.queries = 3;
    TcpClient client = rig.connected();
    client.ask(web(1));
    REQUIRE(rig.run_until_ids(client, {1}));
    CHECK_FALSE(client.closed());
    for (const Asked& asked : {elsewhere(2), web(3), web(4)}) {
        client.ask(asked);
    }
    REQUIRE(rig.run_until_ids(client, {1, 3}));  // the second still waits for the upstream
    REQUIRE(rig.run_until([&] { return rig.held().size() == 1; }));
    CHECK_FALSE(client.closed());
    answer_with_address(rig.upstream(), rig.held()[0]);
    REQUIRE(rig.run_until_closed(client));
    CHECK(client.ids() == Ids{1, 3, 2});
    CHECK(ends(rig) == Ends{0, 0, 0, 1, 0});
    client.close();
    CHECK(rig.run_until([&] { return rig.tcp().open() == 0; }));
}

TEST_CASE("the most queries of a connection: each of them is answered, whatever else was sent") {
    TcpRig rig({.queries = 50});
    TcpClient client = rig.connected();
    Octets many;
    Ids ids;
    for (std::uint16_t id = 1; id <= 2000; ++id) {  // far more than one read takes
        const Octets query = framed(make_query(web(id)));
        many.insert(many.end(), query.begin(), query.end());
        if (id <= 50) {
            ids.push_back(id);
        }
    }
    REQUIRE(client.send(many) == many.size());
    REQUIRE(rig.run_until_closed(client));
    CHECK(client.ids() == ids);  // a RST would have taken some of them away
    CHECK(rig.tcp().open() == 1);
    tick(rig, 1500ms);  // the client has not closed its side
    CHECK(rig.tcp().open() == 0);
    CHECK(ends(rig) == Ends{0, 0, 0, 1, 0});
}

TEST_CASE("maxtcpqueries -1: no limit, whatever the default") {
    TcpRig rig({.queries = 2});
    rig.routing().routes.at(0).timeouts.queries = SIZE_MAX;
    TcpClient client = rig.connected();
    for (std::uint16_t id = 1; id <= 5; ++id) {
        client.ask(web(id));
    }
    CHECK(rig.run_until_ids(client, {1, 2, 3, 4, 5}));
    CHECK_FALSE(client.closed());
}

TEST_CASE("deadlines: octets one by one do not stretch a message's time") {
    TcpRig rig;
    TcpClient client = rig.connected();
    const Octets query = framed(make_query(web(1)));
    for (std::size_t i = 0; i < 3; ++i) {
        client.send({query[i]});
        rig.run_dry();
        tick(rig, 900ms);
        CHECK_FALSE(client.closed());
    }
    client.send({query[3]});
    rig.run_dry();
    tick(rig, 900ms);
    CHECK(client.closed());
}

TEST_CASE("deadlines: a waiting upstream is not the client's fault; what follows is") {
    TcpRig rig;
    TcpClient patient = rig.connected();
    TcpClient dripping = rig.connected();
    patient.ask(elsewhere(1));
    dripping.ask(elsewhere(2));
    dripping.send({0});
    REQUIRE(rig.run_until([&] { return rig.held().size() == 2; }));
    rig.run_dry();
    tick(rig, 20000ms);
    CHECK(dripping.closed());
    CHECK_FALSE(patient.closed());
    answer_with_address(rig.upstream(), rig.held().front());
    CHECK(rig.run_until_ids(patient, {1}));
}

TEST_CASE("deadlines: a client that does not read is not kept for ever") {
    TcpRig rig({.unsent_octets = 64 * 1024});
    apply_large(rig);
    TcpClient client = rig.connected(kSmallBuffer);
    ask_until_paused(rig, client, 64 * 1024);
    tick(rig, 4500ms);
    CHECK(rig.tcp().open() == 1);
    const auto queries = rig.pipeline().counters().messages.get();
    REQUIRE(rig.run_until([&] {  // it gets on: another 5 s
        client.receive();
        return rig.pipeline().counters().messages.get() > queries;
    }));
    tick(rig, 4500ms);
    CHECK(rig.tcp().open() == 1);
    tick(rig, 12000ms);
    CHECK(rig.tcp().open() == 0);
    CHECK(ends(rig) == Ends{0, 0, 1, 0, 0});
    CHECK(rig.pipeline().counters().tcp_paused.get() > 0);
}

TEST_CASE("an idle connection holds no buffers") {
    TcpRig rig;
    TcpClient client = rig.connected();
    CHECK(rig.tcp().buffered() == 0);
    client.send({0, 40, 1});
    REQUIRE(rig.run_until([&] { return rig.tcp().buffered() > 0; }));
    client.send(Octets(39, 0));
    REQUIRE(rig.run_until_ids(client, {0x0100}));
    CHECK(rig.tcp().buffered() == 0);
}

// TCP connections: framing, pipelining, and how they end.
#include "server/tcp_connections.h"

#include <doctest/doctest.h>

#include "tests/server/tcp_rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using Ids = std::vector<std::uint16_t>;

TEST_CASE("a query in one piece, its reply in one piece") {
    TcpRig rig;
    TcpClient client = rig.connected();
    client.ask(web(7));
    REQUIRE(rig.run_until_ids(client, {7}));
    const Reply reply = read_reply(client.messages().front());
    CHECK(verdict_of(reply) == "NOERROR qr aa rd ra");
    CHECK(reply.answer.size() == 1);
    CHECK_FALSE(client.closed());
    client.ask(web(8));
    CHECK(rig.run_until_ids(client, {7, 8}));
}

TEST_CASE("queries octet by octet") {
    TcpRig rig;
    TcpClient client = rig.connected();
    Octets stream = framed(make_query(web(1)));
    const Octets second = framed(make_query(web(2)));
    stream.insert(stream.end(), second.begin(), second.end());
    for (const std::uint8_t octet : stream) {
        client.send({octet});
        rig.run_once(10);
    }
    CHECK(rig.run_until_ids(client, {1, 2}));
}

TEST_CASE("pieces that end anywhere in the second message") {
    const Octets one = framed(make_query(web(1)));
    Octets two = one;
    two.insert(two.end(), one.begin(), one.end());
    for (std::size_t cut = one.size(); cut < two.size(); ++cut) {
        TcpRig rig;
        TcpClient client = rig.connected();
        const auto middle = two.begin() + static_cast<std::ptrdiff_t>(cut);
        client.send({two.begin(), middle});
        REQUIRE(rig.run_until_ids(client, {1}));
        client.send({middle, two.end()});
        REQUIRE(rig.run_until_ids(client, {1, 1}));
    }
}

TEST_CASE("many queries in one segment are answered in order") {
    TcpRig rig;
    TcpClient client = rig.connected();
    Octets stream;
    Ids ids;
    for (std::uint16_t id = 1; id <= 500; ++id) {
        const Octets query = framed(make_query(web(id)));
        stream.insert(stream.end(), query.begin(), query.end());
        ids.push_back(id);
    }
    REQUIRE(client.send(stream) == stream.size());
    CHECK(rig.run_until_ids(client, ids));
}

TEST_CASE("replies from upstreams come when they come; the cluster's do not wait for them") {
    TcpRig rig;
    TcpClient client = rig.connected();
    for (const Asked& asked : {elsewhere(1), elsewhere(2), web(3), elsewhere(4)}) {
        client.ask(asked);
    }
    REQUIRE(rig.run_until([&] { return rig.held().size() == 3; }));
    CHECK(rig.run_until_ids(client, {3}));
    Ids expected{3};
    for (const std::size_t i : {2U, 0U, 1U}) {
        const auto& query = rig.held()[i];
        answer_with_address(rig.upstream(), query);
        expected.push_back(static_cast<std::uint16_t>(std::stoi(asked_name(query))));
        CHECK(rig.run_until_ids(client, expected));
    }
}

TEST_CASE("an upstream that fails at once leaves no query without its reply") {
    auto one = cluster_block({"cluster.local"}, support::closed_port());
    one.forwards.front().options.upstreams.front().address = "255.255.255.255";
    Rig rig({one});
    const server::Fd listener = server::open_tcp({"127.0.0.1", 0});
    TcpClient client(port_of(listener.get()));
    rig.tcp().accept_from(listener.get(), rig.route(), rig.now());
    for (std::uint16_t id = 1; id <= 3; ++id) {
        client.ask(elsewhere(id));
    }
    client.end_sending();
    CHECK(rig.run_until([&] { return client.closed(); }));
    CHECK(client.ids() == Ids{1, 2, 3});
}

TEST_CASE("a client that ends its side still gets what it asked for, then the end") {
    TcpRig rig;
    TcpClient client = rig.connected();
    client.ask(web(1));
    client.ask(elsewhere(2));
    client.end_sending();
    REQUIRE(rig.run_until([&] { return rig.held().size() == 1; }));
    CHECK(rig.run_until_ids(client, {1}));
    CHECK_FALSE(client.closed());
    answer_with_address(rig.upstream(), rig.held().front());
    CHECK(rig.run_until_closed(client));
    CHECK(client.ids() == Ids{1, 2});
    CHECK(rig.tcp().open() == 0);
}

TEST_CASE("a client that ends its side in the middle of a message, or asks nothing") {
    TcpRig rig;
    TcpClient nothing = rig.connected();
    TcpClient half = rig.connected();
    CHECK(rig.tcp().open() == 2);
    nothing.end_sending();
    half.send({0, 40, 1});
    half.end_sending();
    CHECK(rig.run_until([&] { return nothing.closed() && half.closed(); }));
    CHECK(rig.tcp().open() == 0);
}

TEST_CASE("lengths that no query has end the connection") {
    for (const std::size_t size : {0U, 1U, 11U, 4097U, 65535U}) {
        CAPTURE(size);
        TcpRig rig;
        TcpClient client = rig.connected();
        client.send({static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
        CHECK(rig.run_until_closed(client));
        CHECK(client.received() == 0);
        CHECK(rig.tcp().open() == 0);
        const auto& closed = rig.pipeline().counters().tcp_closed;
        CHECK(closed[static_cast<std::size_t>(server::TcpEnd::Size)].get() == 1);
    }
}

TEST_CASE("the longest message that is taken") {
    TcpRig rig;
    TcpClient client = rig.connected();
    Octets query = make_query(web(1));
    query.resize(4096);
    client.send(framed(query));
    CHECK(rig.run_until_ids(client, {1}));
    CHECK(read_reply(client.messages().front()).rcode == "FORMERR");
    query[1] = 2;
    client.send(framed(query));
    CHECK(rig.run_until_ids(client, {1, 2}));
}

TEST_CASE("good queries before a bad length are answered first") {
    TcpRig rig;
    TcpClient client = rig.connected();
    Octets stream = framed(make_query(web(1)));
    stream.insert(stream.end(), {0, 3});
    client.send(stream);
    CHECK(rig.run_until_closed(client));
    CHECK(client.ids() == Ids{1});
}

TEST_CASE("what is no query gets no reply, and the connection goes on") {
    TcpRig rig;
    TcpClient client = rig.connected();
    Octets reply = make_query(web(1));
    reply[2] |= 0x80;
    client.send(framed(reply));
    client.ask(web(2));
    CHECK(rig.run_until_ids(client, {2}));
}

TEST_CASE("a client that resets the connection while its queries wait") {
    TcpRig rig;
    TcpClient client = rig.connected();
    client.ask(elsewhere(1));
    client.ask(elsewhere(2));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 2; }));
    client.reset();
    CHECK(rig.run_until([&] { return rig.tcp().open() == 0; }));
    for (const auto& query : rig.held()) {
        answer_with_address(rig.upstream(), query);
    }
    rig.run_dry();
    TcpClient next = rig.connected();
    next.ask(web(3));
    CHECK(rig.run_until_ids(next, {3}));
}

TEST_CASE("a late reply does not reach the connection that has the slot now") {
    TcpRig rig;
    TcpClient first = rig.connected();
    first.ask(elsewhere(1));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 1; }));
    first.reset();
    REQUIRE(rig.run_until([&] { return rig.tcp().open() == 0; }));

    TcpClient second = rig.connected();
    second.ask(elsewhere(2));
    REQUIRE(rig.run_until([&] { return rig.held().size() == 2; }));
    answer_with_address(rig.upstream(), rig.held().front());
    rig.run_dry();
    CHECK(second.ids().empty());
    answer_with_address(rig.upstream(), rig.held().back());
    CHECK(rig.run_until_ids(second, {2}));
}

TEST_CASE("an event for a connection that has gone means nothing") {
    TcpRig rig;
    TcpClient client = rig.connected();
    using Kind = server::EventTag::Kind;
    rig.tcp().handle_event({Kind::TcpConnection, 7, 1}, EPOLLIN, rig.now());
    rig.tcp().handle_event({Kind::TcpConnection, 0, 2}, EPOLLIN | EPOLLHUP, rig.now());
    CHECK(rig.tcp().open() == 1);
    rig.tcp().handle_event({Kind::TcpConnection, 0, 1}, EPOLLHUP, rig.now());
    CHECK(rig.tcp().open() == 0);
    rig.tcp().handle_event({Kind::TcpConnection, 0, 1}, EPOLLIN, rig.now());
}

TEST_CASE("connections that end are forgotten: hundreds, one after the other") {
    TcpRig rig;
    for (std::uint16_t id = 1; id <= 300; ++id) {
        TcpClient client = rig.connected();
        client.ask(web(id));
        REQUIRE(rig.run_until_ids(client, {id}));
        client.reset();
        REQUIRE(rig.run_until([&] { return rig.tcp().open() == 0; }));
    }
}

TEST_CASE("replies that come together from upstreams leave together") {
    TcpRig rig;
    TcpClient client = rig.connected();
    for (std::uint16_t id = 1; id <= 3; ++id) {
        client.ask(elsewhere(id));
    }
    REQUIRE(rig.run_until([&] { return rig.held().size() == 3; }));
    server::Client first;
    first.tcp = true;
    first.generation = 1;
    for (std::uint8_t id = 1; id <= 3; ++id) {
        const Octets reply = {0, id, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        rig.tcp().send(first, reply.data(), reply.size());
        CHECK(client.ids().empty());
    }
    CHECK(rig.tcp().has_late());
    rig.tcp().send_late(rig.now());
    CHECK_FALSE(rig.tcp().has_late());
    CHECK(client.ids() == std::vector<std::uint16_t>{1, 2, 3});
}

// Somebody who guesses: datagrams with the right address that answer nothing we asked.
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;

namespace {

Octets with_wrong_id(const Octets& query) {
    auto reply = make_reply(query, 5);
    reply[0] ^= 0xff;
    return reply;
}

Octets with_wrong_name(const Octets& query) {
    auto reply = make_reply(query, 5);
    reply[13] ^= 0x01;
    return reply;
}

Octets with_wrong_type(const Octets& query) {
    auto reply = make_reply(query, 5);
    reply[reply.size() - 3] ^= 0x04;
    return reply;
}

std::uint8_t rcode_of(const Octets& reply) {
    return reply[3] & 0x0f;
}

}  // namespace

TEST_CASE("a lone stray is ignored and the wait goes on") {
    using Forge = Octets (*)(const Octets&);
    for (const Forge forge :
         {Forge(with_wrong_id), Forge(with_wrong_name), Forge(with_wrong_type),
          Forge([](const Octets&) { return Octets{}; }), Forge([](const Octets&) {
              return Octets{1, 2, 3};
          })}) {
        FakeUpstream upstream([forge](FakeUpstream& self, const Received& query) {
            self.send(query, forge(query.message));
            self.send(query, make_reply(query.message, 3));
        });
        PollReactor reactor;
        reactor.add(upstream);
        Forwarder forwarder(reactor, options_for({&upstream}));
        const auto answer = ask_and_wait(forwarder, reactor);
        REQUIRE(answer.is_reply());
        CHECK(rcode_of(answer.reply) == 3);
        CHECK(upstream.received().size() == 1);
        CHECK(forwarder.counters()[0].failures == 0);
        CHECK(forwarder.counters()[0].strays == 1);
        CHECK(forwarder.counters()[0].abandoned == 0);
    }
}

TEST_CASE("the second stray: the socket is closed and the question asked over TCP") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        if (query.over_tcp) {
            self.send(query, make_reply(query.message, 0));
            return;
        }
        self.send(query, with_wrong_id(query.message));
        self.send(query, with_wrong_name(query.message));
        self.send(query, make_reply(query.message, 3));  // as if the third guess were right
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK(rcode_of(answer.reply) == 0);
    REQUIRE(upstream.received().size() == 2);
    CHECK(upstream.received()[1].over_tcp);
    CHECK(read16(upstream.received()[0].message, 0) != read16(upstream.received()[1].message, 0));
    CHECK(forwarder.counters()[0] ==
          resolver::UpstreamCounters{
              .queries = 2, .strays = 2, .abandoned = 1, .udp_opened = 1, .tcp_opened = 1});
}

TEST_CASE("a flood at a thousand questions: none of it is believed") {
    constexpr int kForged = 200;
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        if (query.over_tcp) {
            answer_all(self, query);
            return;
        }
        auto forged = make_reply(query.message, 5);
        const auto id = read16(query.message, 0);
        for (int i = 1; i <= kForged; ++i) {
            write16(forged, 0, static_cast<std::uint16_t>(id + i));
            self.send(query, forged);
        }
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    for (int i = 0; i < 1000; ++i) {
        const auto answer = ask_and_wait(forwarder, reactor, std::to_string(i) + ".example");
        REQUIRE(answer.is_reply());
        REQUIRE(rcode_of(answer.reply) == 0);
    }
    // Two guesses a socket are all that a forger gets.
    CHECK(forwarder.counters()[0].strays == 2000);
    CHECK(forwarder.counters()[0].abandoned == 1000);
    CHECK(forwarder.counters()[0].failures == 0);
    CHECK_FALSE(forwarder.down(0));
}

TEST_CASE("all that is in flight on the socket moves to TCP, once each") {
    std::vector<Received> held;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        if (query.over_tcp)
            answer_all(self, query);
        else
            held.push_back(query);
    });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.read_timeout = std::chrono::seconds(4);
    Forwarder forwarder(reactor, options);
    std::vector<AnswerPtr> answers;
    for (int i = 0; i < 100; ++i)
        answers.push_back(ask(forwarder, std::to_string(i) + ".example"));
    REQUIRE(reactor.run_until(forwarder, [&] { return held.size() == 100; }));
    for (const auto& query : held) {
        upstream.send(query, with_wrong_name(query.message));
        upstream.send(query, with_wrong_name(query.message));
    }
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (const auto& answer : answers)
        CHECK(answer->is_reply());
    CHECK(upstream.received().size() == 200);
    CHECK(forwarder.counters()[0].abandoned <= 16);
}

TEST_CASE("with no TCP there, a fresh port is tried, and in the end it fails") {
    bool forges = true;
    FakeUpstream upstream(
        [&](FakeUpstream& self, const Received& query) {
            for (int i = 0; forges && i < 3; ++i)
                self.send(query, with_wrong_id(query.message));
            if (!forges)
                answer_all(self, query);
            forges = false;
        },
        "127.0.0.1", FakeUpstream::Serves::UdpOnly);
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    CHECK(ask_and_wait(forwarder, reactor).is_reply());
    std::vector<std::uint16_t> ports;
    for (const auto& query : upstream.received()) {
        if (has_opt(query.message))
            ports.push_back(query.client_port);
    }
    REQUIRE(ports.size() == 2);
    CHECK(ports[0] != ports[1]);
}

TEST_CASE("late replies and second copies of a reply are no strays") {
    std::vector<Received> held;
    FakeUpstream upstream([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.max_connect_attempts = 1;
    options.health.max_fails = 0;
    Forwarder forwarder(reactor, options);
    std::vector<AnswerPtr> answers;
    const auto ask_some = [&](const std::string& suffix) {
        for (int i = 0; i < 100; ++i)
            answers.push_back(ask(forwarder, std::to_string(i) + suffix));
    };
    ask_some(".first");
    REQUIRE(reactor.run_until(forwarder, [&] { return held.size() == 100; }));
    // The second hundred keeps the sockets open while the first runs out of time.
    const auto first_done = [&] { return answers[99]->calls > 0; };
    REQUIRE(reactor.run_until(forwarder, first_done));
    ask_some(".second");
    REQUIRE(reactor.run_until(forwarder, [&] { return held.size() == 200; }));
    for (const auto& query : held) {
        answer_all(upstream, query);
        answer_all(upstream, query);
    }
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (std::size_t i = 100; i < 200; ++i)
        CHECK(answers[i]->is_reply());
    CHECK(forwarder.counters()[0].strays == 0);
}

TEST_CASE("another source, though with the right id and question, reaches nobody") {
    FakeUpstream other(stay_silent);
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        for (int i = 0; i < 10; ++i)
            other.send(query, make_reply(query.message, 5));
        answer_all(self, query);
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK(rcode_of(answer.reply) == 0);
    CHECK(forwarder.counters()[0].strays == 0);  // the kernel keeps them from us
}

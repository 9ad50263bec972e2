// What an upstream may answer, and what the one who asked gets.
#include "resolver/forward.h"

#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;

TEST_CASE("a question goes upstream by UDP and its reply comes back untouched") {
    Octets sent;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        sent = make_reply_of_size(query.message, 200);
        self.send(query, sent);
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK(answer.reply == sent);
    REQUIRE(upstream.received().size() == 1);
    CHECK_FALSE(upstream.received()[0].over_tcp);
    CHECK(forwarder.pending() == 0);
    CHECK(forwarder.counters()[0].queries == 1);
    CHECK(forwarder.counters()[0].failures == 0);
}

TEST_CASE("the reply's code is the upstream's: SERVFAIL, NXDOMAIN, NOTIMP and REFUSED pass") {
    std::uint8_t rcode = 0;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        self.send(query, make_reply(query.message, rcode));
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    for (const int code : {2, 3, 4, 5}) {
        rcode = static_cast<std::uint8_t>(code);
        const auto answer = ask_and_wait(forwarder, reactor);
        REQUIRE(answer.is_reply());
        CHECK((answer.reply[3] & 0x0f) == code);
    }
    CHECK(upstream.received().size() == 4);
}

TEST_CASE("a truncated reply is asked again over TCP at the same upstream") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        auto reply = make_reply(query.message);
        if (!query.over_tcp)
            reply[2] |= 0x02;
        self.send(query, query.over_tcp ? make_reply_of_size(query.message, 60'000) : reply);
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK(answer.reply.size() == 60'000);
    REQUIRE(upstream.received().size() == 2);
    CHECK(upstream.received()[1].over_tcp);
    CHECK(forwarder.counters()[0].failures == 0);
}

TEST_CASE("a datagram longer than we asked for is not cut off but asked for over TCP") {
    for (const std::size_t size : {1233U, 1500U, 4000U, 5000U}) {
        CAPTURE(size);
        FakeUpstream upstream([size](FakeUpstream& self, const Received& query) {
            self.send(query, make_reply_of_size(query.message, size));
        });
        PollReactor reactor;
        reactor.add(upstream);
        Forwarder forwarder(reactor, options_for({&upstream}));
        const auto answer = ask_and_wait(forwarder, reactor);
        REQUIRE(answer.is_reply());
        CHECK(answer.reply.size() == size);
        REQUIRE(upstream.received().size() == 2);
        CHECK(upstream.received()[1].over_tcp);
    }
}

TEST_CASE("a datagram of up to 1232 octets is taken as it is") {
    for (const std::size_t size : {511U, 512U, 513U, 1231U, 1232U}) {
        CAPTURE(size);
        FakeUpstream upstream([size](FakeUpstream& self, const Received& query) {
            self.send(query, make_reply_of_size(query.message, size));
        });
        PollReactor reactor;
        reactor.add(upstream);
        Forwarder forwarder(reactor, options_for({&upstream}));
        CHECK(ask_and_wait(forwarder, reactor).reply.size() == size);
        CHECK(upstream.received().size() == 1);
    }
}

TEST_CASE("a reply in another case is the same name's, and gets the case of who asked") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        auto reply = make_reply(query.message);
        reply[13] ^= 0x20;
        self.send(query, reply);
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    const auto answer = ask_and_wait(forwarder, reactor, "Example.org");
    REQUIRE(answer.is_reply());
    CHECK(answer.reply[13] == 'E');
    CHECK(upstream.received()[0].message[13] == 'E');
}

TEST_CASE("our own query coming back is no reply, and the next upstream is asked") {
    FakeUpstream mirror(
        [](FakeUpstream& self, const Received& query) { self.send(query, query.message); });
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(mirror);
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&mirror, &upstream}));
    CHECK(ask_and_wait(forwarder, reactor).is_reply());
    CHECK(forwarder.counters()[0].failures == 1);
    CHECK(forwarder.counters()[1].queries == 1);
}

TEST_CASE("a late reply to a question that went elsewhere changes nothing") {
    std::optional<Received> unanswered;
    FakeUpstream slow([&](FakeUpstream&, const Received& query) { unanswered = query; });
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(slow);
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&slow, &upstream}));
    const auto first = ask(forwarder);
    REQUIRE(reactor.run_until(forwarder, [&] { return first->calls > 0; }));
    REQUIRE(unanswered);
    // Keep the channels of `slow` busy, so that the late reply may find its socket open.
    std::vector<AnswerPtr> others;
    others.reserve(50);
    for (int i = 0; i < 50; ++i)
        others.push_back(ask(forwarder, "other" + std::to_string(i) + ".example"));
    slow.send(*unanswered, make_reply(unanswered->message, 5));
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    CHECK(first->is_reply());
    CHECK((first->reply[3] & 0x0f) == 0);
    for (const auto& other : others)
        CHECK(other->is_reply());
}

TEST_CASE("FORMERR without OPT: asked once more without, and the next question has OPT again") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        self.send(query, make_reply(query.message, has_opt(query.message) ? 1 : 0));
    });
    PollReactor reactor;
    reactor.add(upstream);
    for (const bool tcp : {false, true}) {
        CAPTURE(tcp);
        auto options = options_for({&upstream});
        options.force_tcp = tcp;
        Forwarder forwarder(reactor, options);
        for (int i = 0; i < 3; ++i) {
            const auto before = upstream.received().size();
            const auto answer = ask_and_wait(forwarder, reactor);
            REQUIRE(answer.is_reply());
            CHECK((answer.reply[3] & 0x0f) == 0);
            REQUIRE(upstream.received().size() == before + 2);
            CHECK_FALSE(has_opt(upstream.received()[before + 1].message));
        }
    }
}

TEST_CASE("many at once at an upstream without EDNS: every one is answered, whole") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        const bool formerr = has_opt(query.message);
        auto truncated = make_reply(query.message);
        truncated[2] |= 0x02;
        if (query.over_tcp)
            self.send(query, make_reply_of_size(query.message, 3000));
        else
            self.send(query, formerr ? make_reply(query.message, 1) : truncated);
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    std::vector<AnswerPtr> answers;
    answers.reserve(120);
    for (int i = 0; i < 120; ++i)
        answers.push_back(ask(forwarder, "name" + std::to_string(i) + ".example"));
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (const auto& answer : answers) {
        REQUIRE(answer->is_reply());
        CHECK(answer->reply.size() == 3000);
    }
    CHECK(forwarder.counters()[0].failures == 0);
}

TEST_CASE("a FORMERR among long replies on one channel leaves those long") {
    // c-ares 1.18 then takes the channel's limit for 512 octets and cuts the others silently.
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        const bool odd = query.message[13] == 'o';
        if (odd && has_opt(query.message))
            self.send(query, make_reply(query.message, 1));
        else
            self.send(query, make_reply_of_size(query.message, odd ? 100 : 1000));
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    std::vector<AnswerPtr> long_ones;
    for (int i = 0; i < 60; ++i) {
        ask(forwarder, "odd" + std::to_string(i) + ".example");
        long_ones.push_back(ask(forwarder, "long" + std::to_string(i) + ".example"));
    }
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (const auto& answer : long_ones) {
        REQUIRE(answer->is_reply());
        CHECK(answer->reply.size() == 1000);
    }
    CHECK(forwarder.counters()[0].failures == 0);
}

TEST_CASE("FORMERR to both forms, or with OPT, is the answer") {
    bool with_opt = false;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        auto reply = make_reply(query.message, 1);
        if (with_opt) {
            write16(reply, 10, 1);
            reply.insert(reply.end(), query.message.end() - 11, query.message.end());
        }
        self.send(query, reply);
    });
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK((answer.reply[3] & 0x0f) == 1);
    with_opt = true;
    const auto before = upstream.received().size();
    answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK((answer.reply[3] & 0x0f) == 1);
    CHECK(upstream.received().size() == before + 1);
}

TEST_CASE("TCP from the start: force_tcp, or a client over TCP unless prefer_udp") {
    struct Case {
        bool force_tcp, prefer_udp, over_tcp, expected;
    };
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    for (const auto& [force_tcp, prefer_udp, over_tcp, expected] :
         {Case{false, false, false, false}, Case{true, false, false, true},
          Case{false, false, true, true}, Case{false, true, true, false},
          Case{true, true, false, true}}) {
        auto options = options_for({&upstream});
        options.force_tcp = force_tcp;
        options.prefer_udp = prefer_udp;
        Forwarder forwarder(reactor, options);
        const auto answer = ask_and_wait(forwarder, reactor, "example.org",
                                         {.qname = {}, .qtype = 1, .over_tcp = over_tcp});
        REQUIRE(answer.is_reply());
        CHECK(upstream.received().back().over_tcp == expected);
    }
    CHECK(upstream.received().size() == 5);
}

TEST_CASE("an upstream over IPv6") {
    std::optional<FakeUpstream> upstream;
    try {
        upstream.emplace(answer_all, "::1");
    } catch (const std::runtime_error&) {
        MESSAGE("skipped: this host has no ::1");
        return;
    }
    PollReactor reactor;
    reactor.add(*upstream);
    auto options = options_for({&*upstream});
    for (const bool tcp : {false, true}) {
        options.force_tcp = tcp;
        Forwarder forwarder(reactor, options);
        CHECK(ask_and_wait(forwarder, reactor).is_reply());
        CHECK(upstream->received().back().over_tcp == tcp);
    }
}

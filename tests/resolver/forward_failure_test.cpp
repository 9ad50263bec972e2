// Upstreams that fail, and how soon and how often the one who asked hears of it.
#include <chrono>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;
using resolver::ForwardError;
using std::chrono::milliseconds;

namespace {

class Stopwatch {
  public:
    milliseconds elapsed() const {
        return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start_);
    }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TEST_CASE("a silent upstream: the next one is asked after read_timeout") {
    FakeUpstream silent(stay_silent);
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(silent);
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&silent, &upstream}));
    const Stopwatch watch;
    CHECK(ask_and_wait(forwarder, reactor).is_reply());
    CHECK(watch.elapsed() >= milliseconds(190));
    CHECK(watch.elapsed() < milliseconds(1500));
    CHECK(questions(silent) == 1);
    CHECK(forwarder.counters()[0].failures == 1);
    CHECK(forwarder.counters()[1].failures == 0);
}

TEST_CASE("all silent: Timeout after two tries at each") {
    FakeUpstream first(stay_silent);
    FakeUpstream second(stay_silent);
    PollReactor reactor;
    reactor.add(first);
    reactor.add(second);
    Forwarder forwarder(reactor, options_for({&first, &second}));
    CHECK(ask_and_wait(forwarder, reactor).is_error(ForwardError::Timeout));
    CHECK(questions(first) == 2);
    CHECK(questions(second) == 2);
    CHECK(forwarder.counters()[0].failures == 2);
}

TEST_CASE("no question waits longer than 5 s, whatever read_timeout says") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    auto options = options_for({&silent, &silent, &silent});
    options.read_timeout = milliseconds(2000);
    Forwarder forwarder(reactor, options);
    auto patient = options;
    patient.read_timeout = std::chrono::seconds(60);
    patient.health.max_fails = 0;
    PollReactor other_reactor;
    Forwarder other(other_reactor, patient);
    const auto unheard = ask(other);
    const Stopwatch watch;
    CHECK(ask_and_wait(forwarder, reactor).is_error(ForwardError::Timeout));
    CHECK(watch.elapsed() >= milliseconds(4800));
    CHECK(watch.elapsed() < milliseconds(5300));
    CHECK(other_reactor.run_until(
        other, [&] { return other_reactor.watched() == 0; }, milliseconds(1000)));
    CHECK(unheard->is_error(ForwardError::Timeout));
}

TEST_CASE("a reply after the 5 s are over finds nobody") {
    std::optional<Received> unanswered;
    FakeUpstream slow([&](FakeUpstream&, const Received& query) { unanswered = query; });
    PollReactor reactor;
    reactor.add(slow);
    auto options = options_for({&slow});
    options.read_timeout = std::chrono::seconds(60);
    const auto answer = std::make_shared<Answer>();
    {
        Forwarder forwarder(reactor, options);
        const auto name = wire_name("example.org");
        forwarder.ask({.qname = name}, record(answer));
        REQUIRE(reactor.run_until(forwarder, [&] { return answer->calls > 0; }));
        REQUIRE(unanswered);
        slow.send(*unanswered, make_reply(unanswered->message));
        slow.set_script(answer_all);
        CHECK(ask_and_wait(forwarder, reactor, "next.example").is_reply());
    }
    CHECK(answer->is_error(ForwardError::Timeout));
}

TEST_CASE("a port that refuses: Network at once, or the next upstream") {
    PollReactor reactor;
    resolver::ForwardOptions options;
    options.upstreams = {{"127.0.0.1", closed_port()}};
    for (const bool tcp : {false, true}) {
        CAPTURE(tcp);
        options.force_tcp = tcp;
        Forwarder forwarder(reactor, options);
        const Stopwatch watch;
        CHECK(ask_and_wait(forwarder, reactor).is_error(ForwardError::Network));
        CHECK(watch.elapsed() < milliseconds(500));
        CHECK(forwarder.counters()[0].queries == 2);
        CHECK(forwarder.counters()[0].failures == 2);
    }
    FakeUpstream upstream(answer_all);
    reactor.add(upstream);
    options.upstreams.push_back({upstream.address(), upstream.port()});
    options.policy = resolver::Policy::Sequential;
    Forwarder forwarder(reactor, options);
    const Stopwatch watch;
    CHECK(ask_and_wait(forwarder, reactor).is_reply());
    CHECK(watch.elapsed() < milliseconds(500));
}

TEST_CASE("TC from an upstream that does not listen on TCP: the next one answers") {
    FakeUpstream udp_only(
        [](FakeUpstream& self, const Received& query) {
            auto reply = make_reply(query.message);
            reply[2] |= 0x02;
            self.send(query, reply);
        },
        "127.0.0.1", FakeUpstream::Serves::UdpOnly);
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(udp_only);
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&udp_only, &upstream}));
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK((answer.reply[2] & 0x02) == 0);
    REQUIRE(upstream.received().size() == 1);
    CHECK_FALSE(upstream.received()[0].over_tcp);
}

TEST_CASE("TC, and then silence over TCP: the next one answers") {
    FakeUpstream stalls([](FakeUpstream& self, const Received& query) {
        auto reply = make_reply(query.message);
        reply[2] |= 0x02;
        if (!query.over_tcp)
            self.send(query, reply);
    });
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(stalls);
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&stalls, &upstream}));
    const Stopwatch watch;
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK((answer.reply[2] & 0x02) == 0);
    CHECK(watch.elapsed() < milliseconds(1500));
    CHECK(forwarder.counters()[0].failures == 1);
}

TEST_CASE("patience: who has waited elsewhere waits less here, and joins nobody who may longer") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    auto options = options_for({&silent});
    options.read_timeout = milliseconds(3000);
    options.health.max_fails = 0;
    Forwarder forwarder(reactor, options);
    const Stopwatch watch;
    const auto patient = ask(forwarder);
    const auto hurried =
        ask(forwarder, "Example.org", {.qname = {}, .qtype = 1, .patience = milliseconds(500)});
    CHECK(forwarder.totals().merged == 0);
    REQUIRE(reactor.run_until(forwarder, [&] { return hurried->calls > 0; }));
    CHECK(hurried->is_error(ForwardError::Timeout));
    CHECK(watch.elapsed() < milliseconds(1500));
    CHECK(patient->calls == 0);
}

TEST_CASE("the next upstream is asked with OPT again, and by UDP") {
    FakeUpstream odd([](FakeUpstream& self, const Received& query) {
        if (has_opt(query.message))
            self.send(query, make_reply(query.message, 1));
        else if (!query.over_tcp)
            self.send(query, make_reply_of_size(query.message, 600));
    });
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(odd);
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&odd, &upstream}));
    CHECK(ask_and_wait(forwarder, reactor).is_reply());
    REQUIRE(upstream.received().size() == 1);
    CHECK(has_opt(upstream.received()[0].message));
    CHECK_FALSE(upstream.received()[0].over_tcp);
}

TEST_CASE("a TCP connection closed in the middle of a reply, or stalled there") {
    for (const bool closes : {true, false}) {
        CAPTURE(closes);
        FakeUpstream broken([closes](FakeUpstream& self, const Received& query) {
            self.send_part(query, make_reply_of_size(query.message, 400), 100);
            if (closes)
                self.close_connection(query);
        });
        FakeUpstream upstream(answer_all);
        PollReactor reactor;
        reactor.add(broken);
        reactor.add(upstream);
        auto options = options_for({&broken, &upstream});
        options.force_tcp = true;
        Forwarder forwarder(reactor, options);
        const auto answer = ask_and_wait(forwarder, reactor);
        REQUIRE(answer.is_reply());
        CHECK(answer.reply.size() < 100);
        CHECK(forwarder.counters()[0].failures == 1);
    }
}

TEST_CASE("TCP resets after TC do not fail the UDP questions beside them") {
    std::vector<Received> held;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        auto truncated = make_reply(query.message);
        truncated[2] |= 0x02;
        if (query.over_tcp)
            self.close_connection(query);
        else if (query.message[13] == 't')
            self.send(query, truncated);
        else
            held.push_back(query);
    });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.read_timeout = milliseconds(3000);
    options.health.max_fails = 0;
    Forwarder forwarder(reactor, options);
    std::vector<AnswerPtr> held_back;
    held_back.reserve(40);
    for (int i = 0; i < 40; ++i)
        held_back.push_back(ask(forwarder, "w" + std::to_string(i) + ".example"));
    for (int i = 0; i < 5; ++i)
        CHECK(ask_and_wait(forwarder, reactor, "t.example").is_error(ForwardError::Network));
    REQUIRE(held.size() == 40);
    for (const auto& query : held)
        upstream.send(query, make_reply(query.message));
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (const auto& answer : held_back)
        CHECK(answer->is_reply());
    CHECK(held.size() == 40);
}

TEST_CASE("the destructor completes what is pending with Stopped, and forgets every descriptor") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    std::vector<AnswerPtr> answers;
    const auto second = std::make_shared<Answer>();
    const auto name = wire_name("again.example");
    {
        Forwarder forwarder(reactor, options_for({&silent}));
        for (int i = 0; i < 100; ++i) {
            answers.push_back(
                ask(forwarder, "example.org", {.qname = {}, .qtype = 1, .over_tcp = i % 2 == 0}));
        }
        forwarder.ask({.qname = name},
                      [&](const auto&) { forwarder.ask({.qname = name}, record(second)); });
        CHECK(reactor.watched() > 0);
    }
    for (const auto& answer : answers)
        CHECK(answer->is_error(ForwardError::Stopped));
    CHECK(second->is_error(ForwardError::Stopped));
    CHECK(reactor.watched() == 0);
}

TEST_CASE("who has waited too long may ask again, however many there are") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    constexpr int kAsked = 100;
    std::vector<Octets> names;
    for (int i = 0; i < 2 * kAsked; ++i)
        names.push_back(wire_name("n" + std::to_string(i) + ".example"));
    int timed_out = 0, again = 0;
    auto options = options_for({&silent});
    options.read_timeout = std::chrono::seconds(2);  // longer than anybody waits
    Forwarder forwarder(reactor, options);
    const auto question = [&](int i) {
        return resolver::Question{.qname = names[static_cast<std::size_t>(i)],
                                  .patience = std::chrono::milliseconds(300)};
    };
    for (int i = 0; i < kAsked; ++i) {
        forwarder.ask(question(i), [&, i](const auto& first) {
            timed_out += !first ? 1 : 0;
            forwarder.ask(question(kAsked + i),
                          [&](const auto& second) { again += !second ? 1 : 0; });
        });
    }
    reactor.run_until(
        forwarder, [&] { return again == kAsked; }, std::chrono::seconds(10));
    CHECK(timed_out == kAsked);
    CHECK(again == kAsked);
}

TEST_CASE("a descriptor that is not ours") {
    PollReactor reactor;
    FakeUpstream upstream(answer_all);
    Forwarder forwarder(reactor, options_for({&upstream}));
    CHECK_FALSE(forwarder.process(STDIN_FILENO, true, false));
    CHECK_FALSE(forwarder.process(-1, true, false));
    CHECK_FALSE(forwarder.process(1'000'000, true, false));
}

TEST_CASE("options that cannot be") {
    PollReactor reactor;
    resolver::ForwardOptions options;
    CHECK_THROWS_AS(Forwarder(reactor, options), std::invalid_argument);
    options.upstreams = {{"not-an-address", 53}};
    CHECK_THROWS_AS(Forwarder(reactor, options), std::invalid_argument);
    options.upstreams.assign(16, {"127.0.0.1", 53});
    CHECK_THROWS_AS(Forwarder(reactor, options), std::invalid_argument);
    options.upstreams.pop_back();
    CHECK_NOTHROW(Forwarder(reactor, options));
}

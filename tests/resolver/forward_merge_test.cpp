// Equal questions in flight: one upstream query, and everybody's own reply.
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;
using resolver::ForwardError;

namespace {

/// An upstream that keeps what it is asked until the test lets go of it.
struct Holding {
    Holding() { reactor.add(upstream); }

    void wait_for(Forwarder& forwarder, std::size_t queries) {
        REQUIRE(reactor.run_until(forwarder, [&] { return held.size() == queries; }));
    }
    void answer() {
        for (const auto& query : held)
            answer_all(upstream, query);
    }

    std::vector<Received> held;
    FakeUpstream upstream{[this](FakeUpstream&, const Received& query) { held.push_back(query); }};
    PollReactor reactor;
};

}  // namespace

TEST_CASE("a thousand askers of one name: one query, and each one's own spelling") {
    Holding world;
    Forwarder forwarder(world.reactor, options_for({&world.upstream}));
    std::vector<AnswerPtr> answers;
    for (int i = 0; i < 1000; ++i)
        answers.push_back(ask(forwarder, i % 2 == 0 ? "Example.org" : "eXaMPLE.oRG"));
    CHECK(forwarder.pending() == 1000);
    world.wait_for(forwarder, 1);
    world.answer();
    REQUIRE(world.reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    CHECK(world.upstream.received().size() == 1);
    CHECK(forwarder.totals().merged == 999);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        REQUIRE(answers[i]->is_reply());
        const auto name = wire_name(i % 2 == 0 ? "Example.org" : "eXaMPLE.oRG");
        CHECK(std::equal(name.begin(), name.end(), answers[i]->reply.begin() + 12));
    }
}

TEST_CASE("who asks after the reply is not joined to it") {
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    for (int i = 0; i < 3; ++i)
        CHECK(ask_and_wait(forwarder, reactor).is_reply());
    CHECK(upstream.received().size() == 3);
    CHECK(forwarder.totals().merged == 0);
}

TEST_CASE("a failure reaches all who joined") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    Forwarder forwarder(reactor, options_for({&silent}));
    std::vector<AnswerPtr> answers;
    for (int i = 0; i < 50; ++i)
        answers.push_back(ask(forwarder));
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (const auto& answer : answers)
        CHECK(answer->is_error(ForwardError::Timeout));
    CHECK(questions(silent) == 2);
}

TEST_CASE("questions that differ in more than case are not joined") {
    Holding world;
    Forwarder forwarder(world.reactor, options_for({&world.upstream}));
    const resolver::Question plain{.qname = {}, .qtype = 65, .qclass = 1};
    ask(forwarder, "example.org", plain);
    ask(forwarder, "example.net", plain);
    auto other = plain;
    other.qtype = 97;  // differs from 65 as 'a' does from 'A'
    ask(forwarder, "example.org", other);
    other = plain;
    other.qclass = 3;
    ask(forwarder, "example.org", other);
    other = plain;
    other.dnssec_ok = true;
    ask(forwarder, "example.org", other);
    other = plain;
    other.checking_disabled = true;
    ask(forwarder, "example.org", other);
    other = plain;
    other.recursion_desired = false;
    ask(forwarder, "example.org", other);
    other = plain;
    other.authentic_data = true;
    ask(forwarder, "example.org", other);
    CHECK(forwarder.totals().merged == 0);
    other = plain;
    other.over_tcp = true;  // the reply is whole either way
    ask(forwarder, "EXAMPLE.ORG", other);
    CHECK(forwarder.totals().merged == 1);
    world.wait_for(forwarder, 8);
}

TEST_CASE("one question takes 2,000 waiters, then the next query is sent") {
    Holding world;
    auto options = options_for({&world.upstream});
    options.read_timeout = std::chrono::seconds(5);
    Forwarder forwarder(world.reactor, options);
    std::vector<AnswerPtr> answers;
    for (int i = 0; i < 5000; ++i)
        answers.push_back(ask(forwarder));
    world.wait_for(forwarder, 3);
    world.answer();
    REQUIRE(world.reactor.run_until(forwarder, [&] { return forwarder.pending() == 0; }));
    for (const auto& answer : answers)
        CHECK(answer->is_reply());
    CHECK(world.upstream.received().size() == 3);
}

TEST_CASE("those who joined count for max_concurrent") {
    Holding world;
    auto options = options_for({&world.upstream});
    options.max_concurrent = 3;
    Forwarder forwarder(world.reactor, options);
    for (int i = 0; i < 3; ++i)
        CHECK(ask(forwarder)->calls == 0);
    CHECK(ask(forwarder)->is_error(ForwardError::Overload));
}

TEST_CASE("a completion may ask the same again: that is a new question") {
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    const auto name = wire_name("example.org");
    const auto second = std::make_shared<Answer>();
    const resolver::Question question{.qname = name, .qtype = 1};
    forwarder.ask(question, [&](const auto&) { forwarder.ask(question, record(second)); });
    const auto joined = ask(forwarder, "example.org");
    REQUIRE(reactor.run_until(forwarder, [&] { return second->calls == 1; }));
    CHECK(joined->is_reply());
    CHECK(second->is_reply());
    CHECK(upstream.received().size() == 2);
}

// Many questions: limits, order of upstreams, and how hard ids and source ports are to guess.
#include <deque>
#include <memory>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;
using resolver::ForwardError;
using resolver::Policy;

namespace {

/// A stream of questions: each completion asks the next one, until `total` have been asked.
struct Stream : std::enable_shared_from_this<Stream> {
    Stream(Forwarder& asked_of, int most) : forwarder(asked_of), total(most) {}

    void ask_one() {
        if (asked == total)
            return;
        const auto name = wire_name("n" + std::to_string(asked++) + ".example.org");
        forwarder.ask({.qname = name}, [self = shared_from_this()](const auto& result) {
            self->answered += result ? 1 : 0;
            self->ask_one();
        });
    }

    Forwarder& forwarder;
    int total;
    int asked = 0;
    int answered = 0;
};

/// Keeps `depth` questions in flight until `total` have been completed; returns how many with a
/// reply.
int ask_many(Forwarder& forwarder, PollReactor& reactor, int depth, int total) {
    const auto stream = std::make_shared<Stream>(forwarder, total);
    for (int i = 0; i < depth; ++i)
        stream->ask_one();
    reactor.run_until(
        forwarder, [&] { return stream->asked == total && forwarder.pending() == 0; },
        std::chrono::seconds(60));
    return stream->answered;
}

}  // namespace

TEST_CASE("ids and source ports vary, also in one unbroken stream") {
    constexpr int kTotal = 6400;
    // Answers so late that no channel ever comes to rest, which would change its port anyway.
    std::deque<Received> held;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        held.push_back(query);
        const std::size_t rest = self.received().size() == kTotal ? 0 : 150;
        for (; held.size() > rest; held.pop_front())
            answer_all(self, held.front());
    });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.read_timeout = std::chrono::seconds(5);
    Forwarder forwarder(reactor, options);
    REQUIRE(ask_many(forwarder, reactor, 200, kTotal) == kTotal);
    CHECK(upstream.received().size() == kTotal);
    std::set<int> ids;
    std::set<int> ports;
    int successors = 0;
    int last = -1;
    for (const auto& query : upstream.received()) {
        const int id = read16(query.message, 0);
        successors += id == last + 1 ? 1 : 0;
        last = id;
        ids.insert(id);
        ports.insert(query.client_port);
    }
    // 6,400 draws out of 65,536 give 6,098 distinct values; the deviation is about 16.
    CHECK(ids.size() > 5950);
    CHECK(ids.size() < 6250);
    CHECK(successors < 10);
    CHECK(ports.size() >= kTotal / 64);
}

TEST_CASE("questions that leave together leave from few ports, the next from others") {
    FakeUpstream upstream(stay_silent);
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    constexpr std::size_t kTogether = 16, kRounds = 40;
    for (std::size_t round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < kTogether; ++i)
            ask(forwarder, "n" + std::to_string(round * kTogether + i) + ".example.org");
        forwarder.flush();
        upstream.work();
        const auto& seen = upstream.received();
        REQUIRE(seen.size() == (round + 1) * kTogether);
        std::set<int> ports;
        for (std::size_t i = round * kTogether; i < seen.size(); ++i)
            ports.insert(seen[i].client_port);
        CHECK(ports.size() == 1);
    }
    std::set<int> ports;
    for (const auto& query : upstream.received())
        ports.insert(query.client_port);
    CHECK(ports.size() >= kRounds * kTogether / 64);
}

TEST_CASE("one question after the other: a new port nearly each time") {
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, options_for({&upstream}));
    REQUIRE(ask_many(forwarder, reactor, 1, 200) == 200);
    std::set<int> ports;
    for (const auto& query : upstream.received())
        ports.insert(query.client_port);
    CHECK(ports.size() > 180);
}

TEST_CASE("a completion may ask again, and the next limit is free for it") {
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.max_concurrent = 1;
    Forwarder forwarder(reactor, options);
    CHECK(ask_many(forwarder, reactor, 1, 300) == 300);
    options.upstreams = {{"127.0.0.1", closed_port()}};
    Forwarder failing(reactor, options);
    CHECK(ask_many(failing, reactor, 1, 300) == 0);
    CHECK(failing.counters()[0].queries == 600);
}

TEST_CASE("max_concurrent: one too many is refused at once, and only as long") {
    std::vector<Received> held;
    FakeUpstream upstream([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.read_timeout = std::chrono::seconds(3);
    options.max_concurrent = 3;
    Forwarder forwarder(reactor, options);
    std::vector<AnswerPtr> answers;
    answers.reserve(3);
    for (const char* name : {"a.test", "b.test", "c.test"})
        answers.push_back(ask(forwarder, name));
    CHECK(ask(forwarder)->is_error(ForwardError::Overload));
    CHECK(forwarder.pending() == 3);
    REQUIRE(reactor.run_until(forwarder, [&] { return held.size() == 3; }));
    upstream.send(held[1], make_reply(held[1].message));
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.pending() == 2; }));
    CHECK(ask(forwarder, "d.test")->calls == 0);
    CHECK(ask(forwarder, "e.test")->is_error(ForwardError::Overload));
}

TEST_CASE("without max_concurrent 10,000 may be pending") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    auto options = options_for({&silent});
    options.read_timeout = std::chrono::seconds(3);
    Forwarder forwarder(reactor, options);
    for (int i = 0; i < 10'000; ++i)
        ask(forwarder, std::to_string(i) + ".test");
    CHECK(forwarder.pending() == 10'000);
    CHECK(ask(forwarder)->is_error(ForwardError::Overload));
    // Channels are bounded too: 16 in use, 32 that still wait.
    CHECK(reactor.watched() <= 48);
}

TEST_CASE("the policy decides who is asked first") {
    std::vector<int> firsts(3);
    std::vector<std::unique_ptr<FakeUpstream>> upstreams;
    std::vector<const FakeUpstream*> views;
    PollReactor reactor;
    for (std::size_t i = 0; i < 3; ++i) {
        upstreams.push_back(
            std::make_unique<FakeUpstream>([&, i](FakeUpstream& self, const Received& query) {
                ++firsts[i];
                answer_all(self, query);
            }));
        reactor.add(*upstreams[i]);
        views.push_back(upstreams[i].get());
    }
    auto options = options_for(views);
    const auto run = [&](Policy policy) {
        options.policy = policy;
        firsts.assign(3, 0);
        Forwarder forwarder(reactor, options);
        REQUIRE(ask_many(forwarder, reactor, 1, 300) == 300);
    };
    run(Policy::Sequential);
    CHECK(firsts == std::vector{300, 0, 0});
    run(Policy::RoundRobin);
    CHECK(firsts == std::vector{100, 100, 100});
    run(Policy::Random);
    for (const int count : firsts) {
        CHECK(count > 50);
        CHECK(count < 150);
    }
}

// Probes: when they start and end, what they ask, and how the order of upstreams follows them.
#include <string>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;
using resolver::ForwardError;
using resolver::Policy;
using std::chrono::milliseconds;

namespace {

resolver::ForwardOptions quick_probes(const std::vector<const FakeUpstream*>& upstreams) {
    auto options = options_for(upstreams);
    options.health.interval = milliseconds(100);
    return options;
}

/// Nobody listens there; a probe fails at once.
resolver::Upstream refusing() {
    return {"127.0.0.1", closed_port()};
}

void fail_until_down(Forwarder& forwarder, PollReactor& reactor, std::size_t index) {
    ask(forwarder, "down.example");
    REQUIRE(reactor.run_until(forwarder, [&] { return forwarder.down(index); }));
}

}  // namespace

TEST_CASE("down, and up again, is told once each") {
    bool answers = false;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        if (answers)
            answer_all(self, query);
    });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = quick_probes({&upstream});
    std::vector<std::string> told;
    options.told_down = [&](const resolver::Upstream& one, bool down) {
        told.push_back(std::to_string(one.port) + (down ? " down" : " up"));
    };
    options.health.max_fails = 1;
    Forwarder forwarder(reactor, options);
    fail_until_down(forwarder, reactor, 0);
    const auto port = std::to_string(upstream.port());
    CHECK(told == std::vector<std::string>{port + " down"});
    answers = true;
    REQUIRE(reactor.run_until(forwarder, [&] { return !forwarder.down(0); }));
    CHECK(told == std::vector<std::string>{port + " down", port + " up"});
}

TEST_CASE("nothing is probed while all goes well") {
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    Forwarder forwarder(reactor, quick_probes({&upstream}));
    for (int i = 0; i < 20; ++i)
        CHECK(ask_and_wait(forwarder, reactor, std::to_string(i)).is_reply());
    CHECK(probes(upstream) == 0);
}

TEST_CASE("a failure starts probes; one reply, whatever it says, ends them") {
    bool answers = false;
    FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
        if (answers)
            self.send(query, make_reply(query.message, 5));
    });
    PollReactor reactor;
    reactor.add(upstream);
    auto options = quick_probes({&upstream});
    options.max_connect_attempts = 1;
    Forwarder forwarder(reactor, options);
    CHECK(ask_and_wait(forwarder, reactor).is_error(ForwardError::Timeout));
    REQUIRE(reactor.run_until(forwarder, [&] { return probes(upstream) == 1; }));
    answers = true;
    REQUIRE(reactor.run_until(forwarder, [&] { return probes(upstream) == 2; }));
    CHECK(forwarder.counters()[0].probes_failed <= 1);
    CHECK(ask_and_wait(forwarder, reactor).is_reply());
    // Seven intervals later there still is no third.
    const auto end = std::chrono::steady_clock::now() + milliseconds(700);
    reactor.run_until(forwarder, [&] { return std::chrono::steady_clock::now() > end; });
    CHECK(probes(upstream) == 2);
    CHECK_FALSE(forwarder.down(0));
}

TEST_CASE("a probe: NS of the root or the domain, RD or not, without OPT") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    auto options = quick_probes({&silent});
    const auto first_probe = [&] {
        const auto before = silent.received().size();
        Forwarder forwarder(reactor, options);
        ask(forwarder);
        REQUIRE(
            reactor.run_until(forwarder, [&] { return silent.received().size() >= before + 3; }));
        for (auto i = before; i < silent.received().size(); ++i) {
            if (!has_opt(silent.received()[i].message))
                return silent.received()[i];
        }
        return Received{};
    };
    auto probe = first_probe();
    CHECK_FALSE(probe.over_tcp);
    REQUIRE(probe.message.size() == 17);
    CHECK(Octets(probe.message.begin() + 2, probe.message.end()) ==
          Octets{1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1});
    options.health.recursion_desired = false;
    options.health.domain = wire_name("probe.example");
    options.force_tcp = true;
    probe = first_probe();
    CHECK(probe.over_tcp);
    REQUIRE(probe.message.size() > 27);
    CHECK(probe.message[2] == 0);
    CHECK(Octets(probe.message.begin() + 12, probe.message.begin() + 27) ==
          wire_name("probe.example"));
}

TEST_CASE("down after more than max_fails failed probes, and passed over by every policy") {
    FakeUpstream upstream(answer_all);
    PollReactor reactor;
    reactor.add(upstream);
    for (const auto policy : {Policy::Sequential, Policy::RoundRobin, Policy::Random}) {
        CAPTURE(static_cast<int>(policy));
        auto options = quick_probes({&upstream});
        options.upstreams.insert(options.upstreams.begin(), refusing());
        Forwarder forwarder(reactor, options);
        fail_until_down(forwarder, reactor, 0);
        CHECK(forwarder.counters()[0].probes_failed == 3);
        const auto before = forwarder.counters()[0].queries;
        for (int i = 0; i < 30; ++i)
            CHECK(ask_and_wait(forwarder, reactor, std::to_string(i)).is_reply());
        CHECK(forwarder.counters()[0].queries == before);
        CHECK(forwarder.totals().all_down == 0);
    }
}

TEST_CASE("max_fails 0: no probes, never down") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    auto options = quick_probes({&silent});
    options.read_timeout = milliseconds(50);
    options.health.max_fails = 0;
    Forwarder forwarder(reactor, options);
    for (int i = 0; i < 5; ++i)
        CHECK(ask_and_wait(forwarder, reactor).is_error(ForwardError::Timeout));
    CHECK(probes(silent) == 0);
    CHECK_FALSE(forwarder.down(0));
}

TEST_CASE("an upstream that comes back is asked again") {
    bool alive = false;
    FakeUpstream first([&](FakeUpstream& self, const Received& query) {
        if (alive)
            answer_all(self, query);
    });
    FakeUpstream second(answer_all);
    PollReactor reactor;
    reactor.add(first);
    reactor.add(second);
    auto options = quick_probes({&first, &second});
    options.health.max_fails = 1;
    Forwarder forwarder(reactor, options);
    fail_until_down(forwarder, reactor, 0);
    const auto before = questions(first);
    CHECK(ask_and_wait(forwarder, reactor, "a.example").is_reply());
    CHECK(questions(first) == before);
    alive = true;
    REQUIRE(reactor.run_until(forwarder, [&] { return !forwarder.down(0); }));
    CHECK(ask_and_wait(forwarder, reactor, "b.example").is_reply());
    CHECK(questions(first) == before + 1);
}

TEST_CASE("all down: one is tried all the same, or with failfast none") {
    PollReactor reactor;
    resolver::ForwardOptions options;
    options.upstreams = {refusing(), refusing(), refusing()};
    options.policy = Policy::Sequential;
    options.health.interval = milliseconds(100);
    for (const bool failfast : {false, true}) {
        CAPTURE(failfast);
        options.failfast = failfast;
        Forwarder forwarder(reactor, options);
        ask(forwarder);
        REQUIRE(reactor.run_until(forwarder, [&] {
            return forwarder.down(0) && forwarder.down(1) && forwarder.down(2);
        }));
        const auto sent = [&] {
            std::uint64_t sum = 0;
            for (const auto& one : forwarder.counters())
                sum += one.queries;
            return sum;
        };
        const auto before = sent();
        CHECK(ask_and_wait(forwarder, reactor, "b.example").is_error(ForwardError::Network));
        CHECK(sent() - before == (failfast ? 0 : 6));
        CHECK(forwarder.totals().all_down == (failfast ? 1 : 6));
    }
}

TEST_CASE("all down, then one up: it answers") {
    bool alive = false;
    FakeUpstream first([&](FakeUpstream& self, const Received& query) {
        if (alive)
            answer_all(self, query);
    });
    PollReactor reactor;
    reactor.add(first);
    auto options = quick_probes({&first});
    options.health.max_fails = 1;
    options.failfast = true;
    Forwarder forwarder(reactor, options);
    fail_until_down(forwarder, reactor, 0);
    CHECK(ask_and_wait(forwarder, reactor, "a.example").is_error(ForwardError::Network));
    alive = true;
    REQUIRE(reactor.run_until(forwarder, [&] { return !forwarder.down(0); }));
    CHECK(ask_and_wait(forwarder, reactor, "b.example").is_reply());
}

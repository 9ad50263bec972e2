// Loops: what a probe asks, when it is sent, what follows when it comes back and when it does not.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "resolver/loop_watch.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using resolver::Forwarder;
using resolver::ForwardError;
using resolver::LoopProbe;
using resolver::LoopWatch;

namespace {

using Time = LoopProbe::Clock::time_point;

struct Watched {
    LoopWatch watch{[this](const LoopProbe& probe, bool loops) {
        said.push_back(std::to_string(probe.upstream().port) + (loops ? " loops" : " is well"));
    }};
    std::vector<std::string> said;
    resolver::RandomBits random;
    Time now{1h};

    zones::LoweredName take_turn(LoopProbe& probe) {
        const auto name = probe.take_turn(random, now);
        REQUIRE(name);
        zones::LoweredName lowered;
        lowered.assign({reinterpret_cast<const char*>(name->data()), name->size()});
        return lowered;
    }
};

zones::Name name(const char* text) {
    return zones::Name::parse(text).value();
}

zones::LoweredName asked_name(const Received& query) {
    zones::LoweredName lowered;
    const auto end = query.message.size() - 4;
    lowered.assign({reinterpret_cast<const char*>(query.message.data()) + 12, end - 12});
    return lowered;
}

constexpr std::uint16_t kHinfo = 13;

bool is_probe(const Received& query) {
    return !has_opt(query.message) && read16(query.message, query.message.size() - 4) == kHinfo;
}

}  // namespace

TEST_CASE("a probe asks below its zone for a label of 128 bits, another one each time") {
    Watched w;
    const auto probe = w.watch.watch({"192.0.2.1", 53}, name("corp.example"));
    const auto first = w.take_turn(*probe);
    CHECK(first.labels == 3);
    CHECK(first.label(0).size() == 32);
    CHECK(zones::to_string(first.suffix(1)) == "corp.example.");
    w.now += 1min;
    const auto second = w.take_turn(*probe);
    CHECK(second.label(0) != first.label(0));
    CHECK(!w.watch.saw(first, w.now));  // only the last one counts
    CHECK(w.watch.saw(second, w.now));
}

TEST_CASE("all who ask about an upstream share its probe; one of them sends it") {
    Watched w;
    const auto one = w.watch.watch({"192.0.2.1", 53}, name("."));
    const auto two = w.watch.watch({"192.0.2.1", 53}, name("."));
    CHECK(one == two);
    CHECK(one != w.watch.watch({"192.0.2.1", 54}, name(".")));
    CHECK(one != w.watch.watch({"192.0.2.1", 53}, name("example")));
    w.take_turn(*one);
    CHECK(!two->take_turn(w.random, w.now));
    w.now += 11s;  // its sender is gone
    CHECK(two->take_turn(w.random, w.now));
}

TEST_CASE("an answered probe is repeated after minutes, an unanswered one after a second") {
    Watched w;
    const auto probe = w.watch.watch({"192.0.2.1", 53}, name("."));
    w.take_turn(*probe);
    w.watch.ended(*probe, false, w.now);
    CHECK(!probe->take_turn(w.random, w.now));
    w.now += 1s;
    w.take_turn(*probe);
    w.watch.ended(*probe, true, w.now);
    w.now += 4min;
    CHECK(!probe->take_turn(w.random, w.now));
    w.now += 1min;
    CHECK(probe->take_turn(w.random, w.now));
    CHECK(w.said.empty());
}

TEST_CASE("a loop is said once, when it is found and when it ends") {
    Watched w;
    const auto probe = w.watch.watch({"192.0.2.1", 53}, name("."));
    for (int i = 0; i < 3; ++i) {
        const auto asked = w.take_turn(*probe);
        CHECK(w.watch.saw(asked, w.now));
        CHECK(w.watch.saw(asked, w.now));  // by way of two servers, say
        CHECK(probe->loops());
        w.watch.ended(*probe, true, w.now);  // with the refusal that we ourselves gave
        CHECK(probe->loops());
        w.now += 29s;
        CHECK(!probe->take_turn(w.random, w.now));
        w.now += 1s;
    }
    CHECK(w.said == std::vector<std::string>{"53 loops"});
    w.take_turn(*probe);
    w.watch.ended(*probe, false, w.now);  // silence is no proof
    CHECK(probe->loops());
    w.now += 30s;
    w.take_turn(*probe);
    w.watch.ended(*probe, true, w.now);
    CHECK(!probe->loops());
    CHECK(w.said == std::vector<std::string>{"53 loops", "53 is well"});
}

TEST_CASE("names that are no probe are none of ours") {
    Watched w;
    const auto probe = w.watch.watch({"192.0.2.1", 53}, name("."));
    zones::LoweredName other;
    const auto root = name(".");
    other.assign(root.wire());
    CHECK(!w.watch.saw(other, w.now));
    const auto guess = name("00000000000000000000000000000000.");
    other.assign(guess.wire());
    CHECK(!w.watch.saw(other, w.now));
    w.take_turn(*probe);
    CHECK(!w.watch.saw(other, w.now));
    CHECK(!probe->loops());
}

TEST_CASE("a zone that leaves no room for the label is not probed") {
    Watched w;
    std::string longest;
    for (int i = 0; i < 4; ++i) {
        longest += std::string(i == 3 ? 40 : 60, 'a') + ".";
    }
    const auto probe = w.watch.watch({"192.0.2.1", 53}, name(longest.c_str()));
    CHECK(!probe->take_turn(w.random, w.now));
}

TEST_CASE("an upstream that loops is not asked; with all of them looping, nobody is") {
    LoopWatch watch(nullptr);
    FakeUpstream loops([&](FakeUpstream& self, const Received& query) {
        if (is_probe(query)) {
            CHECK(watch.saw(asked_name(query), LoopProbe::Clock::now()));
        }
        self.send(query, make_reply(query.message, 5));
    });
    FakeUpstream well(answer_all);
    PollReactor reactor;
    reactor.add(loops);
    reactor.add(well);
    auto options = options_for({&loops, &well});
    options.loops = &watch;
    Forwarder both(reactor, options);
    REQUIRE(reactor.run_until(both, [&] { return both.down(0); }));
    CHECK(!both.down(1));
    for (int i = 0; i < 10; ++i) {
        CHECK(ask_and_wait(both, reactor, std::to_string(i)).reply.at(3) % 16 == 0);
    }
    CHECK(loops.received().size() == 1);  // the probe

    options.upstreams.resize(1);
    Forwarder alone(reactor, options);  // learns of it from the one that knows
    CHECK(ask_and_wait(alone, reactor).is_error(ForwardError::Network));
    CHECK(loops.received().size() == 1);
}

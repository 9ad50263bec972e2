// What a meter is told of an upstream: each reply, what was counted, and that it is down.
#include <doctest/doctest.h>

#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;

namespace {

struct Recorder : resolver::UpstreamMeter {
    void replied(unsigned rcode, std::chrono::nanoseconds after) override {
        rcodes.push_back(rcode);
        longest = std::max(longest, after);
    }
    void add(const resolver::UpstreamCounters& more) override {
        sum.queries += more.queries;
        sum.failures += more.failures;
        sum.probes_failed += more.probes_failed;
        sum.udp_opened += more.udp_opened;
        sum.udp_kept += more.udp_kept;
        sum.tcp_opened += more.tcp_opened;
        sum.tcp_kept += more.tcp_kept;
    }
    void found_down(bool is) override { down += is ? 1 : -1; }

    std::vector<unsigned> rcodes;
    std::chrono::nanoseconds longest{};
    resolver::UpstreamCounters sum;
    int down = 0;
};

}  // namespace

TEST_CASE("each reply with its code and time; each question with its socket") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        self.send(query, make_reply(query.message, 3));
    });
    PollReactor reactor;
    reactor.add(upstream);
    Recorder recorder;
    auto options = options_for({&upstream});
    options.meter_of = [&](const auto&) { return &recorder; };
    {
        Forwarder forwarder(reactor, std::move(options));
        REQUIRE(ask_and_wait(forwarder, reactor).is_reply());
        CHECK(recorder.rcodes == std::vector<unsigned>{3});
        CHECK(recorder.longest > std::chrono::nanoseconds(0));
        CHECK(recorder.longest < std::chrono::seconds(10));
        forwarder.tick();
        CHECK(recorder.sum.queries == 1);
        CHECK(recorder.sum.udp_opened == 1);
        resolver::Question question{.qname = {}, .qtype = 1};
        question.over_tcp = true;
        REQUIRE(ask_and_wait(forwarder, reactor, "tcp.example", question).is_reply());
    }
    CHECK(recorder.sum.queries == 2);  // the end tells what the last tick did not
    CHECK(recorder.sum.tcp_opened == 1);
    CHECK(recorder.sum.udp_kept + recorder.sum.tcp_kept == 0);
}

TEST_CASE("an upstream that is given up is not down any more") {
    FakeUpstream upstream(stay_silent);
    PollReactor reactor;
    reactor.add(upstream);
    Recorder recorder;
    auto options = options_for({&upstream});
    options.health.max_fails = 1;
    options.health.interval = std::chrono::milliseconds(10);
    options.meter_of = [&](const auto&) { return &recorder; };
    {
        Forwarder forwarder(reactor, std::move(options));
        const auto answer = ask(forwarder);
        REQUIRE(reactor.run_until(forwarder, [&] { return recorder.down == 1; }));
        forwarder.tick();
        CHECK(recorder.sum.probes_failed == 2);
        CHECK(recorder.rcodes.empty());
    }
    CHECK(recorder.down == 0);
}

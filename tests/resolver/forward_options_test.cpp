// Options that decide which upstream is asked, how often, and from where.
#include <algorithm>
#include <arpa/inet.h>
#include <memory>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;
using resolver::ForwardError;
using std::chrono::milliseconds;

namespace {

constexpr resolver::RcodeSet kRefused = 1U << 5;
constexpr resolver::RcodeSet kServFail = 1U << 2;

FakeUpstream::Script saying(std::uint8_t rcode) {
    return [rcode](FakeUpstream& self, const Received& query) {
        self.send(query, make_reply(query.message, rcode));
    };
}

std::uint8_t rcode_of(const Answer& answer) {
    return answer.reply.size() > 3 ? answer.reply[3] & 0x0f : 0xff;
}

}  // namespace

TEST_CASE("failover: REFUSED from one of three upstreams, and another one answers") {
    FakeUpstream refusing(saying(5));
    FakeUpstream second(answer_all);
    FakeUpstream third(answer_all);
    PollReactor reactor;
    for (auto* upstream : {&refusing, &second, &third})
        reactor.add(*upstream);
    auto options = options_for({&refusing, &second, &third});
    CHECK(rcode_of(ask_and_wait(*std::make_unique<Forwarder>(reactor, options), reactor)) == 5);
    options.failover = kRefused | kServFail;
    Forwarder forwarder(reactor, options);
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK(rcode_of(answer) == 0);
    CHECK(answer.by == resolver::Upstream{second.address(), second.port()});
    CHECK(refusing.received().size() == 2);
    CHECK(second.received().size() == 1);
    CHECK(third.received().empty());
    CHECK(forwarder.totals().failovers == 1);
    CHECK(forwarder.counters()[0].failures == 0);
}

TEST_CASE("failover: when all refuse the last one's reply is given") {
    FakeUpstream first(saying(5));
    FakeUpstream second(saying(2));
    FakeUpstream third(saying(5));
    PollReactor reactor;
    for (auto* upstream : {&first, &second, &third})
        reactor.add(*upstream);
    auto options = options_for({&first, &second, &third});
    options.failover = kRefused | kServFail;
    Forwarder forwarder(reactor, options);
    CHECK(rcode_of(ask_and_wait(forwarder, reactor)) == 5);
    for (const auto* upstream : {&first, &second, &third})
        CHECK(upstream->received().size() == 1);
}

TEST_CASE("failover to upstreams that are silent: better the reply there was than none") {
    FakeUpstream refusing(saying(5));
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(refusing);
    reactor.add(silent);
    auto options = options_for({&refusing, &silent});
    options.failover = kRefused;
    options.max_connect_attempts = 1;
    Forwarder forwarder(reactor, options);
    const auto answer = ask_and_wait(forwarder, reactor);
    REQUIRE(answer.is_reply());
    CHECK(rcode_of(answer) == 5);
    CHECK(answer.by == resolver::Upstream{refusing.address(), refusing.port()});
    CHECK(silent.received().size() >= 1);
}

TEST_CASE("max_connect_attempts: so many and no more; 0 is not endless") {
    PollReactor reactor;
    resolver::ForwardOptions options;
    options.upstreams = {{"127.0.0.1", closed_port()}};
    options.health.max_fails = 0;
    struct Case {
        std::uint32_t given, sent;
    };
    for (const Case& c : {Case{1, 1}, Case{5, 5}, Case{0, 100}, Case{1000, 100}}) {
        CAPTURE(c.given);
        options.max_connect_attempts = c.given;
        Forwarder forwarder(reactor, options);
        CHECK(ask_and_wait(forwarder, reactor).is_error(ForwardError::Network));
        CHECK(forwarder.counters()[0].queries == c.sent);
    }
}

TEST_CASE("source_address: queries leave from there, over both transports") {
    FakeUpstream upstream(answer_all, "127.0.0.1");
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.source_address = "127.0.0.9";
    Forwarder forwarder(reactor, options);
    REQUIRE(ask_and_wait(forwarder, reactor).is_reply());
    const auto& client = reinterpret_cast<const sockaddr_in&>(upstream.received()[0].client);
    CHECK(ntohl(client.sin_addr.s_addr) == 0x7f000009);
    options.force_tcp = true;
    CHECK(ask_and_wait(*std::make_unique<Forwarder>(reactor, options), reactor).is_reply());
    options.source_address = "::1";  // of the other family: has no effect
    CHECK(ask_and_wait(*std::make_unique<Forwarder>(reactor, options), reactor).is_reply());
    options.source_address = "192.0.2.7";  // not ours
    CHECK(ask_and_wait(*std::make_unique<Forwarder>(reactor, options), reactor)
              .is_error(ForwardError::Network));
    options.source_address = "eth0";
    CHECK_THROWS_AS(Forwarder(reactor, options), std::invalid_argument);
}

TEST_CASE("max_age: connections in use are replaced sooner") {
    for (const auto max_age : {milliseconds(0), milliseconds(1)}) {
        std::size_t connections = 0;
        FakeUpstream silent([&](FakeUpstream&, const Received& query) {
            connections = std::max(connections, query.connection);
        });
        PollReactor reactor;
        reactor.add(silent);
        auto options = options_for({&silent});
        options.force_tcp = true;
        options.read_timeout = std::chrono::seconds(4);
        options.max_age = max_age;
        Forwarder forwarder(reactor, options);
        int asked = 0;  // fewer than wear a connection out by their number
        auto next = std::chrono::steady_clock::now();
        const auto replaced = [&] {
            if (asked < 60 && std::chrono::steady_clock::now() >= next) {
                ask(forwarder, std::to_string(asked++) + ".example");
                next += milliseconds(2);
            }
            return connections > 2;
        };
        CHECK(reactor.run_until(forwarder, replaced, milliseconds(500)) == (max_age.count() > 0));
    }
}

TEST_CASE("reread: a new list is taken over, what is in flight goes on") {
    std::vector<Received> held;
    FakeUpstream leaving([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    FakeUpstream staying(answer_all);
    FakeUpstream coming(answer_all);
    PollReactor reactor;
    for (auto* upstream : {&leaving, &staying, &coming})
        reactor.add(*upstream);
    auto options = options_for({&leaving, &staying});
    options.read_timeout = std::chrono::seconds(5);
    using List = std::vector<resolver::Upstream>;
    std::optional<List> news;
    options.reread = [&] { return std::exchange(news, std::nullopt); };
    Forwarder forwarder(reactor, options);
    const auto before = ask(forwarder, "before.example");
    REQUIRE(reactor.run_until(forwarder, [&] { return held.size() == 1; }));

    news = List{{"127.0.0.1", coming.port()}, {"127.0.0.1", staying.port()}};
    REQUIRE(
        reactor.run_until(forwarder, [&] { return forwarder.upstreams() != options.upstreams; }));
    CHECK(forwarder.upstreams()[0].port == coming.port());
    CHECK(ask_and_wait(forwarder, reactor, "after.example").is_reply());
    CHECK(coming.received().size() == 1);
    answer_all(leaving, held.front());
    REQUIRE(reactor.run_until(forwarder, [&] { return before->calls > 0; }));
    CHECK(before->is_reply());

    for (const List& wrong : {List{}, List(16, {"127.0.0.1", 53}), List{{"nonsense", 53}}}) {
        news = wrong;
        REQUIRE(reactor.run_until(forwarder, [&] { return !news; }));
        CHECK(forwarder.upstreams().size() == 2);
    }
    CHECK(ask_and_wait(forwarder, reactor, "last.example").is_reply());
}

// Which upstream a failure names, and what it says of the cause.
#include <cerrno>

#include <doctest/doctest.h>

#include "resolver/forward.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::Forwarder;
using resolver::ForwardError;
using resolver::Upstream;

namespace {

Upstream address_of(const FakeUpstream& upstream) {
    return {upstream.address(), upstream.port()};
}

/// Of an upstream that does that, over TCP.
Answer failure_of(const FakeUpstream::Script& script) {
    FakeUpstream upstream(script);
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.force_tcp = true;
    Forwarder forwarder(reactor, options);
    Answer answer = ask_and_wait(forwarder, reactor);
    CHECK(answer.blamed == address_of(upstream));
    return answer;
}

}  // namespace

TEST_CASE("a time-out names who was asked last") {
    FakeUpstream first(stay_silent), second(stay_silent);
    PollReactor reactor;
    reactor.add(first);
    reactor.add(second);
    auto options = options_for({&first, &second});
    options.max_connect_attempts = 2;
    Forwarder forwarder(reactor, options);
    const Answer answer = ask_and_wait(forwarder, reactor);
    CHECK(answer.is_error(ForwardError::Timeout));
    CHECK(answer.blamed == address_of(second));
}

TEST_CASE("a time-out of the question's own names who is being asked") {
    FakeUpstream upstream(stay_silent);
    PollReactor reactor;
    reactor.add(upstream);
    auto options = options_for({&upstream});
    options.read_timeout = std::chrono::seconds(4);
    Forwarder forwarder(reactor, options);
    const Answer answer =
        ask_and_wait(forwarder, reactor, "a.example",
                     {.qname = {}, .qtype = 1, .patience = std::chrono::milliseconds(300)});
    CHECK(answer.is_error(ForwardError::Timeout));
    CHECK(answer.blamed == address_of(upstream));
}

TEST_CASE("a port that nobody listens on: refused, over UDP and TCP") {
    PollReactor reactor;
    resolver::ForwardOptions options;
    options.upstreams = {{"127.0.0.1", closed_port()}};
    for (const bool tcp : {false, true}) {
        CAPTURE(tcp);
        options.force_tcp = tcp;
        Forwarder forwarder(reactor, options);
        const Answer answer = ask_and_wait(forwarder, reactor);
        CHECK(answer.is_error(ForwardError::Network));
        CHECK(answer.blamed == options.upstreams[0]);
        CHECK(answer.cause == ECONNREFUSED);
    }
}

TEST_CASE("an address that no route leads to") {
    PollReactor reactor;
    resolver::ForwardOptions options;
    options.upstreams = {{"255.255.255.255", 53}};  // connect(2) refuses it without SO_BROADCAST
    for (const bool tcp : {false, true}) {
        CAPTURE(tcp);
        options.force_tcp = tcp;
        Forwarder forwarder(reactor, options);
        const Answer answer = ask_and_wait(forwarder, reactor);
        CHECK(answer.is_error(ForwardError::Network));
        CHECK(answer.cause == (tcp ? ENETUNREACH : EACCES));
    }
}

TEST_CASE("a connection that is closed, and a reply that is none") {
    const Answer closed =
        failure_of([](FakeUpstream& self, const Received& query) { self.close_connection(query); });
    CHECK(closed.is_error(ForwardError::Network));
    CHECK(closed.cause == 0);
    const Answer other = failure_of([](FakeUpstream& self, const Received& query) {
        Octets reply = make_reply(query.message);
        reply[2] &= 0x7f;  // a query
        self.send(query, reply);
    });
    CHECK(other.is_error(ForwardError::Network));
    CHECK(other.cause == EBADMSG);
}

TEST_CASE("where no upstream is asked, none is named") {
    FakeUpstream silent(stay_silent);
    PollReactor reactor;
    reactor.add(silent);
    auto options = options_for({&silent});
    options.max_concurrent = 1;
    Forwarder forwarder(reactor, options);
    const auto first = ask(forwarder, "a.example");
    const auto second = ask(forwarder, "b.example");
    CHECK(second->is_error(ForwardError::Overload));
    CHECK_FALSE(second->blamed.has_value());
    CHECK(first->calls == 0);
}

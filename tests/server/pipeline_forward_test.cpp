// What the pipeline makes of upstreams: their replies, and their failures.
#include <algorithm>
#include <arpa/inet.h>

#include <doctest/doctest.h>

#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using support::FakeUpstream;
using support::Received;

namespace {

/// The root is forwarded to `upstream`; nothing else is served.
struct ForwardingRig : Rig {
    explicit ForwardingRig(FakeUpstream& upstream, std::size_t max_concurrent = 0)
        : Rig({forwarding_block(upstream, max_concurrent)}) {
        serve(upstream);
    }

    static server::ServerBlock forwarding_block(const FakeUpstream& upstream,
                                                std::size_t max_concurrent) {
        auto made = block({"."});
        made.forwards = {forward(".", upstream)};
        made.forwards.front().options.max_concurrent = max_concurrent;
        return made;
    }
};

/// Without health probes, which have no OPT.
std::size_t questions_for(const FakeUpstream& upstream) {
    const auto& received = upstream.received();
    return static_cast<std::size_t>(
        std::count_if(received.begin(), received.end(),
                      [](const Received& query) { return support::has_opt(query.message); }));
}

}  // namespace

TEST_CASE("an upstream's reply goes to the client under the client's id, with RA and without AA") {
    FakeUpstream upstream(answer_with_address);
    ForwardingRig rig(upstream);
    const Reply reply = rig.ask({.name = "wWw.Example.org", .id = 0x4711});
    CHECK(reply.id == 0x4711);
    CHECK(verdict_of(reply) == "NOERROR qr rd ra");
    CHECK(reply.question == Texts{"wWw.Example.org. IN A"});
    CHECK(reply.answer == Texts{"wWw.Example.org. 60 IN A 192.0.2.1"});
    CHECK(rig.pipeline().counters().forwarded.get() == 1);
}

TEST_CASE("each rcode of an upstream is passed on as it is") {
    for (const std::uint8_t rcode : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 4, 5, 9}) {
        CAPTURE(rcode);
        FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
            self.send(query, support::make_reply(query.message, rcode));
        });
        ForwardingRig rig(upstream);
        const Octets reply = rig.ask(make_query({.name = "example.org"}));
        CHECK((reply.at(3) & 0x0f) == rcode);
        CHECK(read_reply(reply).flags == "qr rd ra");
    }
}

TEST_CASE("authority and additional records come along, the upstream's EDNS does not") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message, 3);
        add_soa(reply, "example.org");
        add_address(reply, zones::Section::Additional, "ns.example.org", 1);
        add_opt(reply, 4096, {0, 10, 0, 2, 0xab, 0xcd});  // with an option of its own
        self.send(query, reply);
    });
    ForwardingRig rig(upstream);
    const Reply plain = rig.ask({.name = "no.example.org"});
    CHECK(verdict_of(plain) == "NXDOMAIN qr rd ra");
    CHECK(plain.authority.size() == 1);
    CHECK(plain.additional == Texts{"ns.example.org. 60 IN A 192.0.2.1"});
    CHECK_FALSE(plain.edns);

    const Octets wire = rig.ask(make_query({.name = "no.example.org", .edns = true}));
    const Reply modern = read_reply(wire);
    CHECK(modern.edns);
    CHECK(modern.additional.size() == 1);
    const Octets option{0xab, 0xcd};
    CHECK(std::search(wire.begin(), wire.end(), option.begin(), option.end()) == wire.end());
}

TEST_CASE("options, AD and CD of the client: what of them reaches the upstream") {
    FakeUpstream upstream(answer_with_address);
    ForwardingRig rig(upstream);
    rig.ask({.name = "example.org", .edns = true, .dnssec_ok = true, .flags3 = 0x10});
    const Octets& asked = upstream.received().front().message;
    CHECK((asked[2] & 0x01) == 1);
    CHECK((asked[3] & 0x10) == 0x10);
    REQUIRE(support::has_opt(asked));
    CHECK((asked[asked.size() - 4] & 0x80) == 0x80);  // DO
    rig.ask({.name = "example.org", .flags2 = 0});
    CHECK((upstream.received().back().message[2] & 0x01) == 0);
}

TEST_CASE("AD of the upstream is told to those who asked for it") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message);
        reply[3] |= 0x20;
        self.send(query, reply);
    });
    ForwardingRig rig(upstream);
    CHECK(rig.ask({.name = "example.org"}).flags == "qr rd ra");
    CHECK(rig.ask({.name = "example.org", .flags3 = 0x20}).flags == "qr rd ra ad");
    CHECK(rig.ask({.name = "example.org", .edns = true, .dnssec_ok = true}).flags == "qr rd ra ad");
}

TEST_CASE("an upstream's long reply is cut to what the client takes") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        self.send(query, support::make_reply_of_size(query.message, query.over_tcp ? 3000 : 1200));
    });
    ForwardingRig rig(upstream);
    const Reply classic = rig.ask({.name = "example.org", .type = 16});
    CHECK(verdict_of(classic) == "NOERROR qr tc rd ra");
    CHECK(classic.size <= 512);
    const Reply modern = rig.ask({.name = "example.org", .type = 16, .edns = true});
    CHECK(verdict_of(modern) == "NOERROR qr rd ra");
    CHECK(modern.answer.size() > classic.answer.size());
    CHECK(modern.size > 1200);
}

TEST_CASE("an upstream that never answers: SERVFAIL, late") {
    FakeUpstream upstream([](FakeUpstream&, const Received&) {});
    ForwardingRig rig(upstream);
    const Reply reply = rig.ask({.name = "example.org", .edns = true});
    CHECK(verdict_of(reply) == "SERVFAIL qr rd ra");
    CHECK(reply.question.size() == 1);
    CHECK(reply.edns);
    CHECK(questions_for(upstream) == 2);
}

TEST_CASE("an upstream that cannot be reached: SERVFAIL, perhaps before handle() returns") {
    auto one = block({"."});
    one.forwards = {forward(".", support::closed_port())};
    one.forwards.front().options.upstreams.front().address = "255.255.255.255";  // EACCES at once
    Rig rig({one});
    const auto handled = rig.handle(make_query({.name = "example.org"}));
    CHECK(handled.waits);
    CHECK(handled.size == 0);
    REQUIRE(rig.late().size() == 1);  // nothing but handle() has run
    CHECK(verdict_of(read_reply(rig.late().front())) == "SERVFAIL qr rd ra");
    for (int i = 0; i < 100; ++i) {
        rig.handle(make_query({.name = "example.org"}));
    }
    CHECK(rig.late().size() == 101);
}

TEST_CASE("a port that nobody listens on: SERVFAIL") {
    auto one = block({"."});
    one.forwards = {forward(".", support::closed_port())};
    Rig rig({one});
    CHECK(rig.ask({.name = "example.org"}).rcode == "SERVFAIL");
}

TEST_CASE("malformed replies of an upstream are SERVFAIL with the question and nothing else") {
    const std::vector<std::function<void(Octets&)>> damages = {
        [](Octets& reply) { reply[7] = 2; },                     // promises a second answer
        [](Octets& reply) { reply.pop_back(); },                 // the rdata is cut
        [](Octets& reply) { reply[reply.size() - 27] = 0xc0; },  // the owner points far ahead
        [](Octets& reply) { reply[reply.size() - 5] = 200; },    // rdata longer than the message
    };
    for (std::size_t i = 0; i < damages.size(); ++i) {
        CAPTURE(i);
        FakeUpstream upstream([&](FakeUpstream& self, const Received& query) {
            Octets reply = support::make_reply(query.message);
            add_address(reply, zones::Section::Answer, "example.org", 1);
            damages[i](reply);
            self.send(query, reply);
        });
        ForwardingRig rig(upstream);
        const Reply reply = rig.ask({.name = "example.org"});
        CHECK(verdict_of(reply) == "SERVFAIL qr rd ra");
        CHECK(reply.question.size() == 1);
        CHECK(reply.answer.empty());
    }
}

TEST_CASE("several forward lines: the first whose names fit, except and all") {
    FakeUpstream first(answer_with_address), second(answer_with_address);
    auto one = block({"."});
    one.forwards = {forward("example.org", first), forward(".", second)};
    one.forwards[0].except = {name("except.example.org"), name("Sub.Example.org")};
    one.forwards[1].except = {name("nobody.test")};
    Rig rig({one});
    rig.serve(first);
    rig.serve(second);
    rig.ask({.name = "example.org"});
    rig.ask({.name = "a.EXAMPLE.org"});
    CHECK(questions_for(first) == 2);
    for (const char* other : {"example.net", "except.example.org", "a.except.example.org",
                              "a.sub.example.org", "xexample.org"}) {
        rig.ask({.name = other});
    }
    CHECK(questions_for(first) == 2);
    CHECK(questions_for(second) == 5);
    CHECK(verdict_of(rig.ask({.name = "a.nobody.test"})) == "SERVFAIL qr rd ra");
    CHECK(questions_for(second) == 5);
}

TEST_CASE("classes other than IN are forwarded as they are") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        self.send(query, support::make_reply(query.message, 5));
    });
    ForwardingRig rig(upstream);
    CHECK(rig.ask({.name = "version.bind", .type = 16, .qclass = 3}).rcode == "REFUSED");
    REQUIRE(questions_for(upstream) == 1);
    const Octets& asked = upstream.received().front().message;
    CHECK(support::read16(asked, zones::kHeaderSize + 14 + 2) == 3);
}

TEST_CASE("max_concurrent: one more is refused at once, and there is room again afterwards") {
    FakeUpstream upstream([](FakeUpstream&, const Received&) {});
    ForwardingRig rig(upstream, 2);
    rig.handle(make_query({.name = "a.example.org", .id = 1}));
    rig.handle(make_query({.name = "b.example.org", .id = 2}));
    CHECK(rig.late().empty());
    rig.handle(make_query({.name = "c.example.org", .id = 3}));
    REQUIRE(rig.late().size() == 1);
    CHECK(verdict_of(read_reply(rig.late().front())) == "REFUSED qr rd ra");
    CHECK(rig.run_until([&] { return rig.late().size() == 3; }));
    upstream.set_script(answer_with_address);
    CHECK(rig.ask({.name = "d.example.org"}).rcode == "NOERROR");
}

TEST_CASE("what waits is capped, however many forwarders there are") {
    FakeUpstream first([](FakeUpstream&, const Received&) {});
    FakeUpstream second([](FakeUpstream&, const Received&) {});
    auto one = block({"."});
    one.forwards = {forward("a.test", first), forward("b.test", second)};
    Rig rig({one});
    constexpr std::uint32_t kMost = 10000;
    server::Client client{};
    client.peer.v4.sin_family = AF_INET;
    for (std::uint32_t i = 0; i < kMost + 100; ++i) {  // each from another client
        const std::string zone = i % 2 == 0 ? ".a.test" : ".b.test";
        client.peer.v4.sin_addr.s_addr = htonl(0x0a00'0000U + i);
        const bool waits = rig.handle(make_query({.name = std::to_string(i) + zone}), client).waits;
        REQUIRE((waits || i > kMost - 20));  // of so many some are taken for others
        if (i % 100 == 0) {
            first.work();
            second.work();
        }
    }
    CHECK(rig.late().empty());
    CHECK(rig.pipeline().waiting() <= kMost);
    CHECK(rig.pipeline().waiting() > kMost - 20);
    CHECK(read_reply(rig.reply()).rcode == "REFUSED");
}

TEST_CASE("a pipeline that goes tells those who wait") {
    FakeUpstream upstream([](FakeUpstream&, const Received&) {});
    ForwardingRig rig(upstream);
    rig.handle(make_query({.name = "a.example.org", .id = 1}));
    rig.handle(make_query({.name = "b.example.org", .id = 2}));
    rig.stop();
    REQUIRE(rig.late().size() == 2);
    CHECK(verdict_of(read_reply(rig.late().back())) == "SERVFAIL qr rd ra");
}

TEST_CASE("replies come in the order of the upstream, each to its own query") {
    std::vector<Received> held;
    FakeUpstream upstream([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    ForwardingRig rig(upstream);
    for (std::uint16_t id = 1; id <= 20; ++id) {
        rig.handle(make_query({.name = std::to_string(id) + ".example.org", .id = id}));
    }
    REQUIRE(rig.run_until([&] { return held.size() == 20; }));
    for (auto query = held.rbegin(); query != held.rend(); ++query) {
        answer_with_address(upstream, *query);
    }
    REQUIRE(rig.run_until([&] { return rig.late().size() == 20; }));
    for (const Octets& message : rig.late()) {
        const Reply reply = read_reply(message);
        CHECK(reply.question == Texts{std::to_string(reply.id) + ".example.org. IN A"});
    }
}

// What the pipeline forwards no more: too much at once, and the probes that find loops.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

using namespace server::testing;
using namespace std::chrono_literals;
using support::FakeUpstream;
using support::Received;

namespace {

/// The upstream holds what it gets; three questions may wait for it.
struct FullRig : CorefileRig {
    explicit FullRig(std::string_view more = "")
        : CorefileRig(
              ". {\n" + std::string(more) +
              "\nkubernetes cluster.local\nforward . UPSTREAM {\nread_timeout 10s\n}\n}\n") {
        upstream().set_script(
            [this](FakeUpstream&, const Received& query) { held.push_back(query); });
        routing().max_pending = 3;
        apply({cluster_ip("prod", "web", "10.0.0.1"),
               external_name("prod", "out", "www.example.org")});
        for (std::uint16_t id = 1; id <= 3; ++id) {
            CHECK(ask_id(id).waits);
        }
    }

    server::Handled ask_id(std::uint16_t id) {
        return handle(make_query({.name = std::to_string(id) + ".example.org", .id = id}));
    }
    bool release() {
        const bool there = run_until([&] { return held.size() >= 3; });
        for (const Received& query : held) {
            answer_with_address(upstream(), query);
        }
        return there && run_until([&] { return late().size() == held.size(); });
    }

    std::vector<Received> held;
};

}  // namespace

TEST_CASE("max_pending: what is more is REFUSED at once, and cluster names go on") {
    FullRig rig;
    CHECK(rig.pipeline().waiting() == 3);
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(rig.ask_id(4).waits);
        CHECK(verdict_of(read_reply(rig.reply())) == "REFUSED qr rd ra");
    }
    CHECK(rig.ask("web.prod.svc.cluster.local").answer.size() == 1);
    CHECK(rig.pipeline().waiting() == 3);
    CHECK(rig.pipeline().counters().forwarded.get() == 3);
    REQUIRE(rig.release());
    CHECK(rig.ask_id(5).waits);
}

TEST_CASE("max_pending: those who join a question in flight count as well") {
    FullRig rig;
    CHECK_FALSE(rig.ask_id(1).waits);
    CHECK(read_reply(rig.reply()).rcode == "REFUSED");
}

TEST_CASE("max_pending: a chain has failed, and keeps its CNAME") {
    FullRig rig;
    const Reply reply = rig.ask("out.prod.svc.cluster.local");
    CHECK(verdict_of(reply) == "SERVFAIL qr aa rd ra");
    CHECK(types_of(reply) == "CNAME");
}

TEST_CASE("max_pending: rewritten questions are refused under the client's name") {
    FullRig rig("rewrite name suffix .far.test .example.net answer auto\n");
    const Reply reply = rig.ask("www.far.test");
    CHECK(verdict_of(reply) == "REFUSED qr rd ra");
    CHECK(reply.question == Texts{"www.far.test. IN A"});
    REQUIRE(rig.release());
    for (const Octets& late : rig.late()) {
        CHECK(read_reply(late).rcode == "NOERROR");
    }
}

TEST_CASE("max_pending: a cached answer needs no room, and its refresh waits until there is some") {
    FullRig rig("cache {\nserve_stale 1h immediate\n}\n");
    REQUIRE(rig.release());
    rig.advance(2min);
    rig.held.clear();
    const std::size_t late = rig.late().size();
    for (std::uint16_t id = 11; id <= 13; ++id) {
        CHECK(rig.ask_id(id).waits);
    }
    CHECK_FALSE(rig.ask_id(1).waits);
    CHECK(read_reply(rig.reply()).answer == Texts{"1.example.org. 0 IN A 192.0.2.1"});
    REQUIRE(rig.run_until([&] { return rig.held.size() == 3; }));
    for (const Received& query : rig.held) {
        CHECK(asked_name(query) != "1.example.org.");
    }
    for (const Received& query : std::vector<Received>(rig.held)) {
        answer_with_address(rig.upstream(), query);
    }
    REQUIRE(rig.run_until([&] { return rig.late().size() == late + 3; }));
    rig.advance(10s);  // then the cache would have somebody ask again
    CHECK_FALSE(rig.ask_id(1).waits);
    CHECK(rig.run_until([&] { return asked_name(rig.held.back()) == "1.example.org."; }));
}

TEST_CASE("max_pending: refreshes take room from no client for longer than they last") {
    FullRig rig("cache {\nserve_stale 1h immediate\n}\n");
    REQUIRE(rig.release());
    rig.advance(2min);
    rig.held.clear();
    for (std::uint16_t id = 1; id <= 3; ++id) {
        CHECK_FALSE(rig.ask_id(id).waits);  // stale, and each is asked for again
    }
    CHECK(rig.pipeline().waiting() == 0);
    CHECK_FALSE(rig.ask_id(4).waits);
    CHECK(read_reply(rig.reply()).rcode == "REFUSED");
    REQUIRE(rig.run_until([&] { return rig.held.size() == 3; }));
    for (const Received& query : std::vector<Received>(rig.held)) {
        answer_with_address(rig.upstream(), query);
    }
    CHECK(rig.run_until([&] { return rig.ask_id(4).waits; }));
}

TEST_CASE("loop: a probe that comes back is refused, and its upstream is asked no more") {
    CorefileRig rig(R"(. {
        loop
        acl . {
            block type HINFO
        }
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    const auto is_probe = [](const Received& query) {
        return !support::has_opt(query.message) &&
               support::read16(query.message, query.message.size() - 4) == zones::qtype::kHinfo;
    };
    std::optional<Received> probe;
    rig.upstream().set_script([&](FakeUpstream& self, const Received& query) {
        if (is_probe(query)) {
            probe = query;
        } else {
            answer_with_address(self, query);
        }
    });
    REQUIRE(rig.run_until([&] { return probe.has_value(); }));
    CHECK(rig.ask_from("10.0.0.1", {.name = "www.example.org"}).rcode == "NOERROR");

    const Reply back =
        rig.ask_from("10.0.0.1", {.name = asked_name(*probe), .type = zones::qtype::kHinfo});
    CHECK(verdict_of(back) == "REFUSED qr rd");  // whatever the block says
    CHECK(rig.pipeline().counters().forwarded.get() == 1);
    const Reply failed = rig.ask_from("10.0.0.1", {.name = "b.example.org", .edns = true});
    CHECK(failed.rcode == "SERVFAIL");
    CHECK(failed.extended_error >= 22);
    CHECK(rig.ask_from("10.0.0.1", {.name = "web.prod.svc.cluster.local"}).answer.size() == 1);
    CHECK(rig.forwarded() == Texts{"www.example.org."});
}

TEST_CASE("loop: any other question for HINFO is a question, and so is the probe's name") {
    for (const char* loop : {"loop\n", ""}) {
        CAPTURE(loop);
        CorefileRig rig(". {\n" + std::string(loop) + "forward . UPSTREAM\n}\n");
        const std::string guess = "0123456789abcdef0123456789abcdef";
        CHECK(rig.ask({.name = guess, .type = zones::qtype::kHinfo}).rcode == "NOERROR");
        CHECK(rig.ask({.name = ".", .type = zones::qtype::kHinfo}).rcode == "NOERROR");
        CHECK(rig.forwarded() == Texts{guess + ".", "."});
    }
}

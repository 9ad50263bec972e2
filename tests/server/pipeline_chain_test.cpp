// ExternalName: the CNAME is ours, what it leads to may be an upstream's or another block's.
#include <doctest/doctest.h>

#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using support::FakeUpstream;
using support::Received;

namespace {

const std::string kOutsideAlias = "ext.prod.svc.cluster.local";
const std::string kAliasRecord = kOutsideAlias + ". 5 IN CNAME www.example.org.";

/// cluster.local with ext -> www.example.org, all else forwarded to `upstream`.
struct ChainRig : Rig {
    explicit ChainRig(FakeUpstream& upstream)
        : Rig({cluster_block({"cluster.local"}, upstream.port())}) {
        serve(upstream);
        apply({external_name("prod", "ext", "www.example.org")});
    }
};

/// What the alias gives if the upstream answers so.
Reply ask_alias(const FakeUpstream::Script& script, const Asked& asked = {.name = kOutsideAlias}) {
    FakeUpstream upstream(script);
    ChainRig rig(upstream);
    return rig.ask(asked);
}

}  // namespace

TEST_CASE("the target's addresses follow the CNAME, under our authority") {
    FakeUpstream upstream(answer_with_address);
    ChainRig rig(upstream);
    const Reply reply = rig.ask({.name = kOutsideAlias, .edns = true});
    CHECK(verdict_of(reply) == "NOERROR qr aa rd ra");
    CHECK(reply.answer == Texts{kAliasRecord, "www.example.org. 60 IN A 192.0.2.1"});
    CHECK(reply.question == Texts{kOutsideAlias + ". IN A"});
    CHECK(reply.edns);
    REQUIRE(upstream.received().size() == 1);
    CHECK(asked_name(upstream.received().front()) == "www.example.org.");
}

TEST_CASE("the upstream's own CNAMEs stay between") {
    const Reply reply = ask_alias([](FakeUpstream& self, const Received& query) {
        Octets made = support::make_reply(query.message);
        add_cname(made, "www.example.org", "cdn.example.net");
        add_address(made, zones::Section::Answer, "cdn.example.net", 7);
        self.send(query, made);
    });
    CHECK(reply.answer == Texts{kAliasRecord, "www.example.org. 60 IN CNAME cdn.example.net.",
                                "cdn.example.net. 60 IN A 192.0.2.7"});
}

TEST_CASE("a question for the CNAME itself asks nobody") {
    FakeUpstream upstream(answer_with_address);
    ChainRig rig(upstream);
    const Reply reply = rig.ask({.name = kOutsideAlias, .type = zones::qtype::kCname});
    CHECK(reply.answer == Texts{kAliasRecord});
    CHECK(upstream.received().empty());
}

TEST_CASE("NXDOMAIN of the target is the reply's, with the SOA that denies it") {
    const Reply reply = ask_alias(with_rcode(3, "example.org"));
    CHECK(verdict_of(reply) == "NXDOMAIN qr aa rd ra");
    CHECK(reply.answer == Texts{kAliasRecord});
    CHECK(reply.authority.size() == 1);
}

TEST_CASE("NODATA of the target is the CNAME alone") {
    const Reply reply = ask_alias(with_rcode(0, "example.org"));
    CHECK(verdict_of(reply) == "NOERROR qr aa rd ra");
    CHECK(reply.answer == Texts{kAliasRecord});
}

TEST_CASE("SERVFAIL, silence and nonsense of the upstream: the CNAME with SERVFAIL") {
    const FakeUpstream::Script scripts[] = {
        with_rcode(2),
        [](FakeUpstream&, const Received&) {},
        [](FakeUpstream& self, const Received& query) {
            Octets reply = support::make_reply(query.message);
            add_address(reply, zones::Section::Answer, "www.example.org", 1);
            reply[7] = 2;  // there is no second answer
            self.send(query, reply);
        },
    };
    for (const auto& script : scripts) {
        const Reply reply = ask_alias(script);
        CHECK(verdict_of(reply) == "SERVFAIL qr aa rd ra");
        CHECK(reply.answer == Texts{kAliasRecord});
        CHECK(reply.authority.empty());
    }
}

TEST_CASE("an upstream that cannot be reached: the CNAME with SERVFAIL") {
    Rig rig({cluster_block({"cluster.local"}, support::closed_port())});
    rig.apply({external_name("prod", "ext", "www.example.org")});
    const Reply reply = rig.ask({.name = kOutsideAlias});
    CHECK(verdict_of(reply) == "SERVFAIL qr aa rd ra");
    CHECK(reply.answer == Texts{kAliasRecord});
}

TEST_CASE("nobody to ask about the target: the CNAME with SERVFAIL, or with REFUSED") {
    Rig nowhere({cluster_block({"cluster.local"})});
    nowhere.apply({external_name("prod", "ext", "www.example.org")});
    const Reply failed = nowhere.ask({.name = kOutsideAlias});
    CHECK(verdict_of(failed) == "SERVFAIL qr aa rd");
    CHECK(failed.answer == Texts{kAliasRecord});

    auto ours = cluster_block({"cluster.local"});
    ours.keys = {{name("cluster.local"), {kLoopback}}};
    Rig outside({ours});
    outside.apply({external_name("prod", "ext", "www.example.org")});
    const Reply refused = outside.ask({.name = kOutsideAlias});
    CHECK(verdict_of(refused) == "REFUSED qr aa rd");
    CHECK(refused.answer == Texts{kAliasRecord});
}

TEST_CASE("a target in another block's cluster is answered from there") {
    auto first = cluster_block({"cluster.local"});
    auto second = cluster_block({"other.local"});
    second.keys = {{name("other.local"), {kLoopback}}};
    Rig rig({first, second});
    rig.apply({external_name("prod", "there", "web.prod.svc.other.local"),
               external_name("prod", "nothing", "no.prod.svc.other.local"),
               external_name("prod", "round", "back.prod.svc.other.local"),
               external_name("prod", "two", "to-web.prod.svc.other.local"),
               cluster_ip("prod", "web", "10.0.0.1")});
    rig.apply({cluster_ip("prod", "web", "10.1.0.1"),
               external_name("prod", "back", "round.prod.svc.cluster.local"),
               external_name("prod", "to-web", "web.prod.svc.cluster.local")},
              1);
    const Reply there = rig.ask({.name = "there.prod.svc.cluster.local"});
    CHECK(verdict_of(there) == "NOERROR qr aa rd");
    CHECK(there.answer.size() == 2);
    CHECK(there.answer.back() == "web.prod.svc.other.local. 5 IN A 10.1.0.1");

    const Reply nothing = rig.ask({.name = "nothing.prod.svc.cluster.local"});
    CHECK(verdict_of(nothing) == "NXDOMAIN qr aa rd");
    CHECK(nothing.answer.size() == 1);
    REQUIRE(nothing.authority.size() == 1);
    CHECK(nothing.authority.front().starts_with("other.local. 5 IN SOA"));

    const Reply round = rig.ask({.name = "round.prod.svc.cluster.local"});
    CHECK(verdict_of(round) == "NOERROR qr aa rd");
    CHECK(round.answer.size() == 2);

    const Reply two = rig.ask({.name = "two.prod.svc.cluster.local"});
    CHECK(two.answer.size() == 3);
    CHECK(two.answer.back() == "web.prod.svc.cluster.local. 5 IN A 10.0.0.1");
}

TEST_CASE("a chain through two clusters ends at an upstream") {
    FakeUpstream upstream(answer_with_address);
    auto first = cluster_block({"cluster.local"}, upstream.port());
    auto second = cluster_block({"other.local"});
    second.keys = {{name("other.local"), {kLoopback}}};
    Rig rig({first, second});
    rig.serve(upstream);
    rig.apply({external_name("prod", "far", "ext.prod.svc.other.local")});
    rig.apply({external_name("prod", "ext", "www.example.org")}, 1);
    const Reply reply = rig.ask({.name = "far.prod.svc.cluster.local"});
    CHECK(verdict_of(reply) == "NOERROR qr aa rd ra");
    CHECK(reply.answer.size() == 3);
    CHECK(reply.answer.back() == "www.example.org. 60 IN A 192.0.2.1");
}

TEST_CASE("what the upstream sends for a target is cut with TC where it does not fit") {
    const Reply reply = ask_alias([](FakeUpstream& self, const Received& query) {
        Octets made = support::make_reply(query.message);
        for (std::uint8_t i = 1; i <= 30; ++i) {
            add_address(made, zones::Section::Answer, "www.example.org", i);
        }
        self.send(query, made);
    });
    CHECK(verdict_of(reply) == "NOERROR qr aa tc rd ra");
    CHECK(reply.size <= 512);
    CHECK(reply.answer.front() == kAliasRecord);
    CHECK(reply.answer.size() > 20);
}

TEST_CASE("a snapshot that changes while the upstream is asked does not change the reply") {
    std::vector<Received> held;
    FakeUpstream upstream([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    ChainRig rig(upstream);
    rig.handle(make_query({.name = kOutsideAlias}));
    REQUIRE(rig.run_until([&] { return !held.empty(); }));
    rig.apply({external_name("prod", "ext", "elsewhere.example.net")});
    answer_with_address(upstream, held.front());
    REQUIRE(rig.run_until([&] { return !rig.late().empty(); }));
    CHECK(read_reply(rig.late().front()).answer ==
          Texts{kAliasRecord, "www.example.org. 60 IN A 192.0.2.1"});
}

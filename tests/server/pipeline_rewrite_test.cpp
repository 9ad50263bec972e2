// `rewrite` in the pipeline: whoever answers the new name, the client gets a reply to its own.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"
#include "tests/server/tcp_client.h"

using namespace server::testing;
using namespace std::chrono_literals;
using support::FakeUpstream;
using support::Received;

namespace {

/// Everything that is rewritten is so to a name of another length.
constexpr const char* kRewriteCorefile = R"(. {
    rewrite name suffix .my.test .prod.svc.cluster.local answer auto
    rewrite name suffix .far.test .elsewhere.example.org answer auto
    kubernetes cluster.local
    forward . UPSTREAM
})";

constexpr const char* kCachingCorefile = R"(. {
    rewrite name suffix .far.test .elsewhere.example.org answer auto
    cache {
        prefetch 2
        serve_stale 1h immediate
    }
    forward . UPSTREAM
})";

const std::string kAsked = "WwW.far.test";
const Texts kForwardedNames{"www.elsewhere.example.org."};
const std::string kFresh = kAsked + ". 60 IN A 192.0.2.1";

struct RewritingRig : CorefileRig {
    explicit RewritingRig(server::TcpLimits limits = {}) : CorefileRig(kRewriteCorefile, limits) {
        std::vector<std::string> many;
        for (int i = 1; i <= 60; ++i) {
            many.push_back("10.0.1." + std::to_string(i));
        }
        apply({cluster_ip("prod", "web", "10.0.0.1"), headless("prod", "many"),
               endpoints("prod", "many", many), external_name("prod", "out", "www.example.net")});
    }
};

/// The upstream has `count` addresses for every name.
FakeUpstream::Script with_addresses(std::uint8_t count) {
    return [count](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message);
        for (std::uint8_t i = 1; i <= count; ++i) {
            add_address(reply, zones::Section::Answer, asked_name(query), i);
        }
        self.send(query, reply);
    };
}

}  // namespace

TEST_CASE("rewrite: from the cluster, with the client's spelling, id and authority") {
    RewritingRig rig;
    const Reply reply = rig.ask({.name = "WeB.My.test", .id = 0x4711});
    CHECK(reply.id == 0x4711);
    CHECK(verdict_of(reply) == "NOERROR qr aa rd ra");
    CHECK(reply.question == Texts{"WeB.My.test. IN A"});
    CHECK(reply.answer == Texts{"WeB.My.test. 5 IN A 10.0.0.1"});
    const Reply denial = rig.ask({.name = "No.my.test", .edns = true, .dnssec_ok = true});
    CHECK(verdict_of(denial) == "NXDOMAIN qr aa rd ra");
    CHECK(denial.question == Texts{"No.my.test. IN A"});
    CHECK(denial.authority.size() == 1);
    CHECK(denial.dnssec_ok);
}

TEST_CASE("rewrite: the upstream is asked for the new name, and answers late") {
    RewritingRig rig;
    const Reply reply = rig.ask({.name = kAsked, .id = 0x4711, .edns = true});
    CHECK(rig.forwarded() == kForwardedNames);
    CHECK(reply.id == 0x4711);
    CHECK(verdict_of(reply) == "NOERROR qr rd ra");
    CHECK(reply.question == Texts{kAsked + ". IN A"});
    CHECK(reply.answer == Texts{kFresh});
    CHECK(reply.edns);
}

TEST_CASE("rewrite: two that wait at once get each their own reply, in any order") {
    RewritingRig rig;
    std::vector<Received> held;
    rig.upstream().set_script([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    rig.handle(make_query({.name = "one.far.test", .id = 1}));
    rig.handle(make_query({.name = "another.far.test", .id = 2}));
    rig.handle(make_query({.name = "plain.test", .id = 3}));
    REQUIRE(rig.run_until([&] { return held.size() == 3; }));
    for (auto query = held.rbegin(); query != held.rend(); ++query) {
        answer_with_address(rig.upstream(), *query);
    }
    REQUIRE(rig.run_until([&] { return rig.late().size() == 3; }));
    for (const Octets& late : rig.late()) {
        const Reply reply = read_reply(late);
        const std::string name = reply.id == 1   ? "one.far.test."
                                 : reply.id == 2 ? "another.far.test."
                                                 : "plain.test.";
        CHECK(reply.question == Texts{name + " IN A"});
        CHECK(reply.answer == Texts{name + " 60 IN A 192.0.2.1"});
    }
}

TEST_CASE("rewrite: a CNAME out of the cluster, whose end is an upstream's") {
    RewritingRig rig;
    const Reply reply = rig.ask("out.my.test");
    CHECK(verdict_of(reply) == "NOERROR qr aa rd ra");
    CHECK(reply.answer ==
          Texts{"out.my.test. 5 IN CNAME www.example.net.", "www.example.net. 60 IN A 192.0.2.1"});
    CHECK(rig.forwarded() == Texts{"www.example.net."});
}

TEST_CASE("rewrite: from the cache, which knows the new name only") {
    CorefileRig rig(kCachingCorefile);
    CHECK(rig.ask(kAsked).answer == Texts{kFresh});
    rig.advance(10s);
    CHECK(rig.ask(kAsked).answer == Texts{kAsked + ". 50 IN A 192.0.2.1"});
    const Reply direct = rig.ask("www.elsewhere.example.org");
    CHECK(direct.answer == Texts{"www.elsewhere.example.org. 50 IN A 192.0.2.1"});
    CHECK(rig.forwarded() == kForwardedNames);
}

TEST_CASE("rewrite: a stale answer, and the question that refreshes it") {
    CorefileRig rig(kCachingCorefile);
    rig.ask(kAsked);
    rig.advance(2min);
    const Reply stale = rig.ask({.name = kAsked, .edns = true});
    CHECK(stale.question == Texts{kAsked + ". IN A"});
    CHECK(stale.answer == Texts{kAsked + ". 0 IN A 192.0.2.1"});
    CHECK(stale.extended_error == 3);
    REQUIRE(rig.run_until([&] { return rig.forwarded().size() == 2; }));
    CHECK(rig.forwarded().back() == kForwardedNames.front());
    CHECK(rig.run_until([&] { return rig.ask(kAsked).answer == Texts{kFresh}; }));
    CHECK(rig.forwarded().size() == 2);
}

TEST_CASE("rewrite: prefetch asks for the new name") {
    CorefileRig rig(kCachingCorefile);
    rig.ask(kAsked);
    rig.ask(kAsked);
    rig.advance(56s);
    rig.ask(kAsked);
    REQUIRE(rig.run_until([&] { return rig.forwarded().size() == 2; }));
    CHECK(rig.forwarded().back() == kForwardedNames.front());
    CHECK(rig.run_until([&] { return rig.ask(kAsked).answer == Texts{kFresh}; }));
}

TEST_CASE("rewrite: serve_stale verify, after its time-out and after a failure") {
    CorefileRig rig(R"(. {
        rewrite name suffix .far.test .elsewhere.example.org answer auto
        cache {
            serve_stale 1h verify 1ms
        }
        forward . UPSTREAM
    })");
    rig.ask(kAsked);
    rig.upstream().set_script([](FakeUpstream&, const Received&) {});
    rig.advance(2min);
    CHECK(rig.ask(kAsked).answer == Texts{kAsked + ". 0 IN A 192.0.2.1"});
    rig.upstream().set_script([](FakeUpstream& self, const Received& query) {
        self.send(query, support::make_reply(query.message, 2));
    });
    CHECK(rig.ask(kAsked).answer == Texts{kAsked + ". 0 IN A 192.0.2.1"});
}

TEST_CASE("rewrite: an upstream that fails, and what says so") {
    CorefileRig rig(R"(. {
        rewrite name suffix .far.test .elsewhere.example.org answer auto
        cache
        forward . UPSTREAM {
            read_timeout 100ms
        }
    })");
    rig.upstream().set_script([](FakeUpstream&, const Received&) {});
    for (const char* where : {"upstream", "cache"}) {
        CAPTURE(where);
        const Reply reply = rig.ask({.name = kAsked, .edns = true});
        CHECK(verdict_of(reply) == "SERVFAIL qr rd ra");
        CHECK(reply.question == Texts{kAsked + ". IN A"});
        CHECK(reply.extended_error == (std::string(where) == "cache" ? 13 : 22));
    }
}

TEST_CASE("rewrite: TC where the answer fits no more under the client's name and limit") {
    RewritingRig rig;
    rig.upstream().set_script(with_addresses(60));  // 988 octets
    for (const char* qname : {"many.my.test", "many.far.test"}) {
        CAPTURE(qname);
        const Reply cut = rig.ask({.name = qname});
        CHECK(cut.flags.find("tc") != std::string::npos);
        CHECK(cut.size <= 512);
        CHECK(cut.answer.size() >= 25);
        CHECK(cut.answer.size() < 60);
        for (const std::string& record : cut.answer) {
            CHECK(record.starts_with(std::string(qname) + ". "));
        }
        const Reply whole = rig.ask({.name = qname, .edns = true});
        CHECK(whole.flags.find("tc") == std::string::npos);
        CHECK(whole.answer.size() == 60);
        CHECK(whole.size <= 1232);
    }
}

TEST_CASE("rewrite: over TCP whole, at once and late, on one connection") {
    RewritingRig rig;
    rig.upstream().set_script(with_addresses(200));
    const server::Fd listener = server::open_tcp({"127.0.0.1", 0});
    TcpClient client(port_of(listener.get()));
    REQUIRE(rig.tcp().accept_from(listener.get(), rig.route(), rig.now()));
    client.ask({.name = "Many.far.test", .id = 1});
    client.ask({.name = "Many.my.test", .id = 2});
    REQUIRE(rig.run_until([&] { return client.messages().size() == 2; }));
    for (const Octets& message : client.messages()) {
        const Reply reply = read_reply(message);
        const bool far = reply.id == 1;
        CHECK(reply.question == Texts{far ? "Many.far.test. IN A" : "Many.my.test. IN A"});
        CHECK(reply.answer.size() == (far ? 200 : 60));
        CHECK(reply.answer.front().starts_with(far ? "Many.far.test. " : "Many.my.test. "));
        CHECK(reply.flags.find("tc") == std::string::npos);
    }
}

TEST_CASE("rewrite: an answer that grows beyond what TCP carries is cut, not spoilt") {
    CorefileRig rig(R"(. {
        rewrite name exact a.test b.test answer value (.*)\.e\.org {1}.{1}.{1}.e.org
        forward . UPSTREAM
    })");
    rig.upstream().set_script([](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message);
        for (int i = 1000; query.over_tcp && i < 2000; ++i) {  // 56 KB
            add_cname(reply, "b.test", std::string(26, 'x') + std::to_string(i) + ".e.org");
        }
        reply[2] |= query.over_tcp ? 0 : zones::header::kTc;
        self.send(query, reply);
    });
    const server::Fd listener = server::open_tcp({"127.0.0.1", 0});
    TcpClient client(port_of(listener.get()));
    REQUIRE(rig.tcp().accept_from(listener.get(), rig.route(), rig.now()));
    client.ask({.name = "a.test", .id = 1});
    REQUIRE(rig.run_until([&] { return !client.messages().empty(); }));
    const Reply reply = read_reply(client.messages().front());
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.flags.find("tc") != std::string::npos);
    CHECK(reply.answer.size() > 400);
    CHECK(reply.answer.size() < 1000);
}

TEST_CASE("rewrite: hosts and templates see the new name, and no other block's rules") {
    CorefileRig rig(R"(. {
        rewrite name suffix .my.test .inner.test answer auto
        template IN A t.inner.test {
            answer "{{ .Name }} 60 IN A 192.0.2.9"
        }
        hosts {
            192.0.2.8 h.inner.test
            fallthrough
        }
        forward . UPSTREAM
    }
    other.test {
        forward . UPSTREAM
    })");
    CHECK(rig.ask("T.my.test").answer == Texts{"T.my.test. 60 IN A 192.0.2.9"});
    CHECK(rig.ask("h.my.test").answer == Texts{"h.my.test. 3600 IN A 192.0.2.8"});
    CHECK(rig.ask("h.inner.test").answer == Texts{"h.inner.test. 3600 IN A 192.0.2.8"});
    CHECK(rig.ask("x.my.test").answer == Texts{"x.my.test. 60 IN A 192.0.2.1"});
    CHECK(rig.ask("my.test.other.test").answer == Texts{"my.test.other.test. 60 IN A 192.0.2.1"});
    CHECK(rig.forwarded() == Texts{"x.inner.test.", "my.test.other.test."});
}

TEST_CASE("rewrite: a class that is refused is so for the name that was asked") {
    RewritingRig rig;
    const Reply reply = rig.ask({.name = "web.my.test", .qclass = 3});
    CHECK(verdict_of(reply) == "REFUSED qr rd ra");
    CHECK(reply.question == Texts{"web.my.test. CH A"});
}

TEST_CASE("rewrite: a server that stops tells those who wait, under their name") {
    RewritingRig rig;
    rig.upstream().set_script([](FakeUpstream&, const Received&) {});
    rig.handle(make_query({.name = kAsked}));
    rig.stop();
    REQUIRE(rig.late().size() == 1);
    const Reply reply = read_reply(rig.late().front());
    CHECK(reply.rcode == "SERVFAIL");
    CHECK(reply.question == Texts{kAsked + ". IN A"});
}

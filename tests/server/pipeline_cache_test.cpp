// What clients get from the cache, and when upstreams are asked all the same.
#include <doctest/doctest.h>

#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using namespace std::chrono_literals;
using support::FakeUpstream;
using support::Received;

namespace {

/// The root is forwarded to `upstream`, with `cache`.
struct CachingRig : Rig {
    explicit CachingRig(FakeUpstream& upstream, const server::CacheConfig& cache = {})
        : Rig({caching_block(upstream, cache)}), upstream_(upstream) {
        serve(upstream);
    }

    static server::ServerBlock caching_block(const FakeUpstream& upstream,
                                             const server::CacheConfig& cache) {
        auto made = cluster_block({"cluster.local"}, upstream.port());
        made.cache = cache;
        return made;
    }

    std::size_t asked() const { return upstream_.received().size(); }
    resolver::CacheCounters counters() { return routing().caches.at(0)->store().counters(); }
    /// True if its address is there, and fresh.
    bool knows(const std::string& text) {
        const std::string wire(name(text).wire());
        Octets buffer(resolver::AnswerCache::kMaxMessage);
        const auto found = routing().caches.at(0)->store().find(
            {.qname = wire, .qtype = 1, .qclass = 1}, now(), buffer);
        return found.state == resolver::Found::State::Fresh;
    }

  private:
    FakeUpstream& upstream_;
};

server::CacheConfig stale_config(bool verify) {
    server::CacheConfig config;
    config.options.serve_stale = true;
    config.options.verify_stale = verify;
    return config;
}

void deny(FakeUpstream& upstream, const Received& query) {
    Octets reply = support::make_reply(query.message, 3);
    add_soa(reply, "org");
    upstream.send(query, reply);
}

void answer_servfail(FakeUpstream& upstream, const Received& query) {
    upstream.send(query, support::make_reply(query.message, 2));
}

}  // namespace

TEST_CASE("a second question is answered from the cache, aged, for its own client") {
    FakeUpstream upstream(answer_with_address);
    CachingRig rig(upstream);
    rig.ask({.name = "www.example.org", .id = 1});
    rig.advance(20s);
    const Reply reply = rig.ask({.name = "wWw.Example.org", .id = 0x4711});
    CHECK(rig.asked() == 1);
    CHECK(reply.id == 0x4711);
    CHECK(verdict_of(reply) == "NOERROR qr rd ra");
    CHECK(reply.question == Texts{"wWw.Example.org. IN A"});
    CHECK(reply.answer == Texts{"wWw.Example.org. 40 IN A 192.0.2.1"});
    CHECK_FALSE(reply.edns);
    CHECK(rig.ask({.name = "www.example.org", .edns = true}).edns);
    CHECK(rig.asked() == 1);
    rig.advance(40s);
    rig.ask({.name = "www.example.org"});
    CHECK(rig.asked() == 2);
    CHECK(rig.counters().success_hits == 2);
    CHECK(rig.counters().misses == 2);
}

TEST_CASE("the first client gets the TTLs that the cache will serve") {
    FakeUpstream upstream(answer_with_address);
    server::CacheConfig config;
    config.options.ttls.success.most = 30;
    CachingRig rig(upstream, config);
    CHECK(rig.ask({.name = "example.org"}).answer == Texts{"example.org. 30 IN A 192.0.2.1"});
    CHECK(rig.ask({.name = "example.org"}).answer == Texts{"example.org. 30 IN A 192.0.2.1"});
}

TEST_CASE("denials are cached") {
    FakeUpstream upstream(deny);
    CachingRig rig(upstream);
    rig.ask({.name = "no.example.org"});
    rig.advance(10s);
    const Reply reply = rig.ask({.name = "no.example.org"});
    CHECK(verdict_of(reply) == "NXDOMAIN qr rd ra");
    REQUIRE(reply.authority.size() == 1);
    CHECK(reply.authority.front().starts_with("org. 50 IN SOA "));
    CHECK(rig.asked() == 1);
    rig.ask({.name = "no.example.org", .type = 28});
    CHECK(rig.asked() == 2);
}

TEST_CASE("SERVFAIL of an upstream is cached for some seconds") {
    FakeUpstream upstream(answer_servfail);
    CachingRig rig(upstream);
    rig.ask({.name = "example.org"});
    const std::size_t first = rig.asked();
    CHECK(verdict_of(rig.ask({.name = "example.org"})) == "SERVFAIL qr rd ra");
    CHECK(rig.asked() == first);
    rig.advance(5s);
    rig.ask({.name = "example.org"});
    CHECK(rig.asked() > first);
}

TEST_CASE("that no upstream answers is cached, too, with why") {
    auto one = block({"."});
    one.forwards = {forward(".", support::closed_port())};
    one.cache.emplace();
    Rig rig({one});
    const Octets first = rig.ask(make_query({.name = "example.org", .edns = true}));
    const std::string why =
        " upstream 127.0.0.1:" + std::to_string(one.forwards[0].options.upstreams[0].port) +
        ": connection refused";
    CHECK(read_reply(first).why == "23" + why);
    const auto handled = rig.handle(make_query({.name = "example.org", .edns = true}));
    REQUIRE_FALSE(handled.waits);
    const Octets second(rig.reply().begin(), rig.reply().end());
    CHECK(read_reply(second).rcode == "SERVFAIL");
    CHECK(read_reply(second).why == "13" + why);
}

TEST_CASE("REFUSED and the answers of a server that does not recurse are not cached") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        self.send(query, support::make_reply(query.message, 5));
    });
    CachingRig rig(upstream);
    rig.ask({.name = "example.org"});
    rig.ask({.name = "example.org"});
    CHECK(rig.counters().success_entries + rig.counters().denial_entries == 0);
    upstream.set_script(answer_with_address);
    rig.ask({.name = "example.org", .flags2 = 0});
    CHECK(rig.counters().success_entries == 0);
    rig.ask({.name = "example.org"});
    const std::size_t asked = rig.asked();
    CHECK(rig.ask({.name = "example.org", .flags2 = 0}).answer.size() == 1);
    CHECK(rig.asked() == asked);
}

TEST_CASE("DO and CD have entries of their own; AD is told to those who ask") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message);
        reply[3] |= static_cast<std::uint8_t>(query.message[3] & 0x20);  // as validators do
        add_address(reply, zones::Section::Answer, asked_name(query), 1);
        self.send(query, reply);
    });
    CachingRig rig(upstream);
    rig.ask({.name = "example.org"});
    rig.ask({.name = "example.org", .edns = true, .dnssec_ok = true});
    rig.ask({.name = "example.org", .flags3 = 0x10});
    CHECK(rig.asked() == 3);
    CHECK(rig.ask({.name = "example.org"}).flags == "qr rd ra");
    CHECK(rig.ask({.name = "example.org", .flags3 = 0x20}).flags == "qr rd ra ad");
    CHECK(rig.ask({.name = "example.org", .flags3 = 0x10}).flags == "qr rd ra cd");
    CHECK(rig.ask({.name = "example.org", .edns = true, .dnssec_ok = true}).dnssec_ok);
    CHECK(rig.asked() == 3);
}

TEST_CASE("an answer too long for a client is cut, and whole over TCP") {
    FakeUpstream upstream([](FakeUpstream& self, const Received& query) {
        self.send(query, support::make_reply_of_size(query.message, query.over_tcp ? 3000 : 1200));
    });
    CachingRig rig(upstream);
    const Octets query = make_query({.name = "example.org", .type = 16, .edns = true});
    const Reply whole = read_reply(rig.ask(query));
    const Reply cut = rig.ask({.name = "eXample.org", .type = 16});
    CHECK(verdict_of(cut) == "NOERROR qr tc rd ra");
    CHECK(cut.size <= 512);
    CHECK(cut.answer.size() < whole.answer.size());
    CHECK(read_reply(rig.ask_as_tcp(query)).answer == whole.answer);
    CHECK(rig.asked() == 1);
}

TEST_CASE("zones, and what is disabled in them") {
    FakeUpstream upstream(answer_with_address);
    server::CacheConfig config;
    config.zones = {name("example.org")};
    config.no_success = {name("never.example.org")};
    CachingRig rig(upstream, config);
    for (const char* cached : {"a.example.org", "EXAMPLE.org"}) {
        rig.ask({.name = cached});
        const std::size_t asked = rig.asked();
        rig.ask({.name = cached});
        CHECK(rig.asked() == asked);
    }
    for (const char* other : {"a.example.net", "a.never.example.org"}) {
        rig.ask({.name = other});
        const std::size_t asked = rig.asked();
        rig.ask({.name = other});
        CHECK(rig.asked() == asked + 1);
    }
    upstream.set_script(deny);
    rig.ask({.name = "b.never.example.org"});
    const std::size_t asked = rig.asked();
    CHECK(rig.ask({.name = "b.never.example.org"}).rcode == "NXDOMAIN");
    CHECK(rig.asked() == asked);
}

TEST_CASE("cluster names never come from the cache; the end of a chain may") {
    FakeUpstream upstream(answer_with_address);
    CachingRig rig(upstream);
    rig.apply(
        {external_name("prod", "out", "www.example.org"), cluster_ip("prod", "web", "10.0.0.1")});
    const Reply first = rig.ask({.name = "out.prod.svc.cluster.local"});
    rig.advance(10s);
    const Reply second = rig.ask({.name = "out.prod.svc.cluster.local"});
    CHECK(rig.asked() == 1);
    CHECK(first.answer.at(1) == "www.example.org. 60 IN A 192.0.2.1");
    CHECK(verdict_of(second) == "NOERROR qr aa rd ra");
    CHECK(second.answer == Texts{first.answer.at(0), "www.example.org. 50 IN A 192.0.2.1"});
    rig.ask({.name = "www.example.org"});
    CHECK(rig.asked() == 1);
    rig.ask({.name = "web.prod.svc.cluster.local"});
    CHECK(rig.counters().success_entries == 1);
}

TEST_CASE("serve_stale immediate: stale at once, refreshed behind it") {
    FakeUpstream upstream(answer_with_address);
    CachingRig rig(upstream, stale_config(false));
    rig.ask({.name = "example.org"});
    rig.advance(2min);
    const Octets query = make_query({.name = "example.org", .edns = true});
    REQUIRE_FALSE(rig.handle(query).waits);
    const Octets stale(rig.reply().begin(), rig.reply().end());
    CHECK(read_reply(stale).answer == Texts{"example.org. 0 IN A 192.0.2.1"});
    CHECK(read_reply(stale).extended_error == 3);
    CHECK(rig.pipeline().waiting() == 0);
    REQUIRE_FALSE(rig.handle(query).waits);  // no second refresh
    CHECK(rig.run_until([&] {
        rig.handle(query);
        return read_reply(rig.reply()).answer == Texts{"example.org. 60 IN A 192.0.2.1"};
    }));
    CHECK(rig.asked() == 2);
    CHECK(rig.late().size() == 1);  // the first reply alone
}

TEST_CASE("serve_stale: an upstream that fails leaves the stale answer") {
    for (const bool verify : {false, true}) {
        CAPTURE(verify);
        FakeUpstream upstream(answer_with_address);
        CachingRig rig(upstream, stale_config(verify));
        rig.ask({.name = "example.org"});
        upstream.set_script(answer_servfail);
        rig.advance(2min);
        for (int i = 0; i < 3; ++i) {
            const Octets reply = rig.ask(make_query({.name = "example.org", .edns = true}));
            CHECK(read_reply(reply).answer == Texts{"example.org. 0 IN A 192.0.2.1"});
            CHECK(read_reply(reply).extended_error == 3);
        }
        CHECK(rig.run_until([&] { return rig.counters().denial_entries == 1; }));
        const std::size_t asked = rig.asked();
        rig.ask({.name = "example.org"});
        CHECK(rig.asked() == asked);
        rig.advance(1h);
        CHECK(rig.ask({.name = "example.org"}).rcode == "SERVFAIL");
    }
}

TEST_CASE("serve_stale verify: an upstream that answers counts") {
    FakeUpstream upstream(answer_with_address);
    CachingRig rig(upstream, stale_config(true));
    rig.ask({.name = "example.org"});
    upstream.set_script(deny);
    rig.advance(2min);
    CHECK(rig.ask({.name = "example.org"}).rcode == "NXDOMAIN");
}

TEST_CASE("prefer_positive: a denial does not replace the answer that has expired") {
    FakeUpstream upstream(answer_with_address);
    auto config = stale_config(true);
    config.options.prefer_positive = true;
    CachingRig rig(upstream, config);
    rig.ask({.name = "example.org"});
    upstream.set_script(deny);
    rig.advance(2min);
    for (int i = 0; i < 2; ++i) {
        CHECK(rig.ask({.name = "example.org"}).answer == Texts{"example.org. 0 IN A 192.0.2.1"});
    }
    CHECK(rig.asked() == 2);
    rig.advance(1h);
    CHECK(rig.ask({.name = "example.org"}).rcode == "NXDOMAIN");
}

TEST_CASE("serve_stale verify: after its time-out the client has waited enough") {
    FakeUpstream upstream(answer_with_address);
    auto config = stale_config(true);
    config.options.verify_timeout = 1ms;
    CachingRig rig(upstream, config);
    rig.ask({.name = "example.org"});
    std::vector<Received> held;
    upstream.set_script([&](FakeUpstream&, const Received& query) { held.push_back(query); });
    rig.advance(2min);
    const Octets query = make_query({.name = "example.org"});
    CHECK(rig.handle(query).waits);
    REQUIRE(rig.run_until([&] { return !held.empty() && rig.late().size() == 2; }));
    CHECK(read_reply(rig.late().back()).answer == Texts{"example.org. 0 IN A 192.0.2.1"});
    CHECK(rig.pipeline().waiting() == 0);
    answer_with_address(upstream, held.back());
    CHECK(rig.run_until([&] { return rig.knows("example.org"); }));
    CHECK(rig.ask({.name = "example.org"}).answer == Texts{"example.org. 60 IN A 192.0.2.1"});
    CHECK(rig.late().size() == 2);
}

TEST_CASE("prefetch: a popular name is asked for again before it expires") {
    FakeUpstream upstream(answer_with_address);
    server::CacheConfig config;
    config.options.prefetch_hits = 2;
    CachingRig rig(upstream, config);
    rig.ask({.name = "example.org"});
    rig.ask({.name = "example.org"});
    rig.advance(55s);
    CHECK(rig.ask({.name = "example.org"}).answer == Texts{"example.org. 5 IN A 192.0.2.1"});
    CHECK(rig.run_until([&] {
        return rig.ask({.name = "example.org"}).answer == Texts{"example.org. 60 IN A 192.0.2.1"};
    }));
    CHECK(rig.asked() == 2);
    CHECK(rig.counters().prefetches == 1);
}

TEST_CASE("a pipeline that goes while it refreshes tells nobody") {
    FakeUpstream upstream(answer_with_address);
    CachingRig rig(upstream, stale_config(false));
    rig.ask({.name = "example.org"});
    upstream.set_script([](FakeUpstream&, const Received&) {});
    rig.advance(2min);
    rig.handle(make_query({.name = "example.org"}));
    rig.stop();
    CHECK(rig.late().size() == 1);
}

// `acl` in the pipeline: which names it sees, what comes before it, and what its actions send.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"
#include "tests/server/tcp_client.h"

using namespace server::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kGuest = "10.9.0.1";  // blocked where the Corefiles below block anyone
constexpr const char* kFriend = "10.1.0.1";
constexpr unsigned kBlockedCode = 15, kFilteredCode = 17;

Asked with_edns(const std::string& qname, std::uint16_t type = 1) {
    return {.name = qname, .type = type, .edns = true};
}

void check_blocked(const Reply& reply) {
    CHECK(verdict_of(reply).starts_with("REFUSED qr rd"));
    CHECK(reply.answer.empty());
    CHECK(reply.extended_error == kBlockedCode);
}

}  // namespace

TEST_CASE("acl: a blocked client gets no plugin's answer") {
    CorefileRig rig(R"(. {
        acl {
            block net 10.9.0.0/16
        }
        template IN A made.test {
            answer "{{ .Name }} 60 IN A 192.0.2.9"
        }
        hosts {
            192.0.2.8 listed.test
            fallthrough
        }
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    for (const char* qname :
         {"a.made.test", "listed.test", "web.prod.svc.cluster.local", "www.example.org"}) {
        CAPTURE(qname);
        CHECK(rig.ask_from(kFriend, with_edns(qname)).answer.size() == 1);
        check_blocked(rig.ask_from(kGuest, with_edns(qname)));
    }
    CHECK(rig.forwarded() == Texts{"www.example.org."});
}

TEST_CASE("acl: a client without EDNS is told no reason") {
    CorefileRig rig(". {\nacl {\nblock\n}\nforward . UPSTREAM\n}");
    const Reply reply = rig.ask_from(kGuest, {.name = "www.example.org"});
    CHECK(verdict_of(reply) == "REFUSED qr rd ra");
    CHECK_FALSE(reply.edns);
    CHECK(rig.forwarded().empty());
}

TEST_CASE("acl: a name that is rewritten to a blocked one is blocked") {  // CVE-2026-26017
    CorefileRig rig(R"(. {
        rewrite name suffix .alias.test .secret.test answer auto
        acl secret.test {
            block net 10.9.0.0/16
        }
        forward . UPSTREAM
    })");
    const Reply blocked = rig.ask_from(kGuest, with_edns("Db.alias.test"));
    check_blocked(blocked);
    CHECK(blocked.question == Texts{"Db.alias.test. IN A"});
    CHECK(rig.forwarded().empty());
    CHECK(rig.ask_from(kFriend, with_edns("db.alias.test")).rcode == "NOERROR");
    CHECK(rig.forwarded() == Texts{"db.secret.test."});
}

TEST_CASE("acl: a blocked name that is rewritten to an allowed one is blocked") {
    CorefileRig rig(R"(. {
        rewrite name suffix .secret.test .open.test answer auto
        acl secret.test {
            block net 10.9.0.0/16
        }
        forward . UPSTREAM
    })");
    check_blocked(rig.ask_from(kGuest, with_edns("db.secret.test")));
    CHECK(rig.forwarded().empty());
    CHECK(rig.ask_from(kGuest, with_edns("db.open.test")).rcode == "NOERROR");
}

TEST_CASE("acl: a name between two rewrites is nobody's") {
    CorefileRig rig(R"(. {
        rewrite continue name exact a.test b.secret.test
        rewrite name exact b.secret.test c.test
        acl secret.test {
            block
        }
        forward . UPSTREAM
    })");
    CHECK(rig.ask_from(kGuest, with_edns("a.test")).rcode == "NOERROR");
    CHECK(rig.forwarded() == Texts{"c.test."});
}

TEST_CASE("acl: what a friend has put into the cache a guest does not get, stale or fresh") {
    CorefileRig rig(R"(. {
        acl {
            block net 10.9.0.0/16
        }
        cache {
            serve_stale 1h immediate
        }
        forward . UPSTREAM
    })");
    rig.ask_from(kFriend, with_edns("www.example.org"));
    rig.advance(10s);
    const Reply cached = rig.ask_from(kFriend, with_edns("www.example.org"));
    CHECK(cached.answer == Texts{"www.example.org. 50 IN A 192.0.2.1"});
    check_blocked(rig.ask_from(kGuest, with_edns("www.example.org")));
    rig.advance(2min);
    check_blocked(rig.ask_from(kGuest, with_edns("www.example.org")));
    CHECK(rig.forwarded().size() == 1);
    // And a refusal is nothing that a friend would find there.
    check_blocked(rig.ask_from(kGuest, with_edns("b.example.org")));
    CHECK(rig.ask_from(kFriend, with_edns("b.example.org")).rcode == "NOERROR");
}

TEST_CASE("acl: a CNAME's target is decided by the block that it is in, for the client who asked") {
    CorefileRig rig(R"(. {
        kubernetes cluster.local
        forward . UPSTREAM
    }
    corp.test {
        acl {
            block net 10.9.0.0/16
            filter type AAAA
        }
        forward . UPSTREAM
    })");
    rig.apply({external_name("prod", "db", "db.corp.test")});
    const std::string alias = "db.prod.svc.cluster.local";
    CHECK(types_of(rig.ask_from(kFriend, with_edns(alias))) == "CNAME A");
    const Reply blocked = rig.ask_from(kGuest, with_edns(alias));
    CHECK(verdict_of(blocked) == "REFUSED qr aa rd ra");
    CHECK(blocked.answer == Texts{alias + ". 5 IN CNAME db.corp.test."});
    CHECK(blocked.extended_error == kBlockedCode);
    const Reply filtered = rig.ask_from(kFriend, with_edns(alias, 28));
    CHECK(verdict_of(filtered) == "NOERROR qr aa rd ra");
    CHECK(types_of(filtered) == "CNAME");
    CHECK(filtered.extended_error == kFilteredCode);
    CHECK(rig.forwarded() == Texts{"db.corp.test."});
}

TEST_CASE("acl: a CNAME's target in the same block, and in the same zone") {
    CorefileRig rig(R"(. {
        acl corp.test secret.svc.cluster.local {
            block net 10.9.0.0/16
        }
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    rig.apply({namespace_object("secret"), cluster_ip("secret", "db", "10.0.0.7"),
               external_name("prod", "out", "db.corp.test"),
               external_name("prod", "in", "db.secret.svc.cluster.local")});
    for (const char* alias : {"out.prod.svc.cluster.local", "in.prod.svc.cluster.local"}) {
        CAPTURE(alias);
        CHECK(types_of(rig.ask_from(kFriend, with_edns(alias))) == "CNAME A");
        const Reply blocked = rig.ask_from(kGuest, with_edns(alias));
        CHECK(blocked.rcode == "REFUSED");
        CHECK(types_of(blocked) == "CNAME");
        CHECK(blocked.extended_error == kBlockedCode);
    }
}

TEST_CASE("acl: filter is NOERROR without records, for its types and clients alone") {
    CorefileRig rig(R"(. {
        acl {
            filter type AAAA HTTPS net 10.9.0.0/16 2001:db8::/32
            allow net 10.9.0.2
            block net 10.9.0.0/16 type MX
        }
        forward . UPSTREAM
    })");
    const auto rcode_of = [&](const char* client, std::uint16_t type) {
        const Reply reply = rig.ask_from(client, with_edns("example.org", type));
        return reply.rcode + (reply.answer.empty() ? "" : " with answer") + " " +
               std::to_string(reply.extended_error);
    };
    CHECK(rcode_of(kGuest, 28) == "NOERROR 17");
    CHECK(rcode_of("10.9.0.2", 65) == "NOERROR 17");
    CHECK(rcode_of("2001:db8::1", 28) == "NOERROR 17");
    CHECK(rcode_of("::ffff:10.9.0.1", 28) == "NOERROR 17");
    CHECK(rcode_of(kGuest, 15) == "REFUSED 15");
    CHECK(rig.forwarded().empty());
    CHECK(rcode_of(kGuest, 1) == "NOERROR with answer 0");
    CHECK(rcode_of("10.9.0.2", 15) == "NOERROR with answer 0");
    CHECK(rcode_of("2001:db9::1", 28) == "NOERROR with answer 0");
}

TEST_CASE("acl: drop sends nothing over UDP, and counts it") {
    CorefileRig rig(". {\nacl {\ndrop net 10.9.0.0/16\n}\nforward . UPSTREAM\n}");
    const auto handled = rig.handle(make_query({.name = "example.org"}), client_at(kGuest));
    CHECK(handled.size == 0);
    CHECK_FALSE(handled.waits);
    CHECK(rig.pipeline().counters().all_dropped() == 1);
    CHECK(rig.pipeline().waiting() == 0);
    CHECK(rig.ask_from(kFriend, {.name = "example.org"}).rcode == "NOERROR");
    CHECK(rig.forwarded().size() == 1);
}

TEST_CASE("acl: drop of the name that it is rewritten to, and of a CNAME's target") {
    CorefileRig rig(R"(. {
        rewrite name a.test b.dropped.test
        acl dropped.test {
            drop
        }
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    rig.apply({external_name("prod", "out", "c.dropped.test")});
    for (const char* qname : {"a.test", "out.prod.svc.cluster.local"}) {
        CAPTURE(qname);
        const auto handled = rig.handle(make_query({.name = qname}), client_at(kFriend));
        CHECK(handled.size == 0);
        CHECK_FALSE(handled.waits);
    }
    CHECK(rig.pipeline().counters().all_dropped() == 2);
    CHECK(rig.forwarded().empty());
}

TEST_CASE("acl: drop over TCP leaves the connection to the questions that follow") {
    server::TcpLimits limits;
    limits.waiting_queries = 2;
    CorefileRig rig(". {\nacl {\ndrop type MX\n}\nforward . UPSTREAM\n}", limits);
    const server::Fd listener = server::open_tcp({"127.0.0.1", 0});
    TcpClient client(port_of(listener.get()));
    REQUIRE(rig.tcp().accept_from(listener.get(), rig.route(), rig.now()));
    for (std::uint16_t id = 1; id <= 8; ++id) {  // more than may wait at once
        client.ask({.name = "example.org", .type = 15, .id = id});
    }
    client.ask({.name = "example.org", .id = 9});
    REQUIRE(rig.run_until([&] { return !client.messages().empty(); }));
    CHECK(client.ids() == std::vector<std::uint16_t>{9});
    client.ask({.name = "example.net", .id = 10});
    CHECK(rig.run_until([&] { return client.ids() == std::vector<std::uint16_t>{9, 10}; }));
    CHECK_FALSE(client.closed());
    CHECK(rig.pipeline().counters().all_dropped() == 8);
}

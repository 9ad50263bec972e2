// Extended DNS Errors, each with its exact text, and who gets them (RFC 8914).
#include <cerrno>

#include <doctest/doctest.h>

#include "server/upstream_reason.h"
#include "tests/server/corefile_rig.h"

using namespace server::testing;
using support::FakeUpstream;
using support::Received;
using namespace std::chrono_literals;

namespace {

constexpr const char* kCorefile = R"(
cluster.local in-addr.arpa test {
    local
    acl blocked.test {
        block
    }
    acl filtered.test {
        filter
    }
    template IN A broken.test {
        match ^(?P<a>.)\.broken\.test\.$
        answer "{{ .Name }} 60 IN A {{ .Group.a }}"
    }
    template IN A denied.test {
        rcode NXDOMAIN
    }
    hosts {
        192.0.2.44 host.test
        fallthrough
    }
    rewrite name exact short.test gone.prod.svc.cluster.local
    kubernetes cluster.local in-addr.arpa {
        manifests .
        pods insecure
    }
    cache
    forward . UPSTREAM {
        read_timeout 100ms
    }
}
quiet.org {
    ede off
    acl {
        block
    }
}
only.org {
    kubernetes cluster.org {
        manifests .
    }
}
)";

std::string why(CorefileRig& rig, const std::string& qname, std::uint16_t type = 1) {
    return rig.ask_from("192.0.2.7", {.name = qname, .type = type, .edns = true}).why;
}

std::string upstream_of(CorefileRig& rig) {
    return "upstream 127.0.0.1:" + std::to_string(rig.upstream().port());
}

FakeUpstream::Script with_rcode(std::uint8_t rcode) {
    return [rcode](FakeUpstream& self, const Received& query) {
        self.send(query, support::make_reply(query.message, rcode));
    };
}

std::string text_of(const resolver::ForwardFailure& failure) {
    zones::ReasonText text;
    server::add_reason(failure, text);
    return std::string(text.view());
}

}  // namespace

TEST_CASE("why: what a server block does by itself") {
    CorefileRig rig(kCorefile);
    rig.apply({cluster_ip("prod", "web", "10.0.0.1"),
               external_name("prod", "self", "self.prod.svc.cluster.local"),
               external_name("prod", "out", "www.example.net")});
    CHECK(why(rig, "localhost.test", 15) == "0 a local name without such a record");
    CHECK(why(rig, "localhost.test") == "");
    CHECK(why(rig, "x.blocked.test") == "15 blocked by acl");
    CHECK(why(rig, "x.filtered.test") == "17 filtered by acl");
    CHECK(why(rig, "x.broken.test") == "0 a template of the server failed");
    CHECK(why(rig, "x.denied.test") == "0 by a template of the server");
    CHECK(why(rig, "host.test", 28) == "0 the hosts table has no such record");
    CHECK(why(rig, "host.test") == "");
    CHECK(why(rig, "web.prd.svc.cluster.local") == "0 no namespace \"prd\"");
    CHECK(why(rig, "short.test") == "0 the name that this one leads to does not exist");
    CHECK(why(rig, "self.prod.svc.cluster.local") == "0 the CNAMEs lead round in a circle");
    CHECK(why(rig, "out.prod.svc.cluster.local") ==
          "20 no server block is for the name that this one leads to");
    CHECK(why(rig, "www.example.net") == "20 no server block is for this name");
    CHECK(why(rig, "www.only.org") == "20 no plugin of the server block is for this name");
    CHECK(why(rig, "web.prod.svc.cluster.local") == "");
    CHECK(rig.ask({.name = "web.prod.svc.cluster.local", .qclass = 3, .edns = true}).why ==
          "21 only class IN is served");
    CHECK(why(rig, "cluster.local", zones::qtype::kAxfr) == "21 zone transfers are not served");
    CHECK(rig.ask({.name = "cluster.local", .edns = true, .version = 1}).why == "");
}

TEST_CASE("why: what upstreams do, fresh and from the cache") {
    CorefileRig rig(kCorefile);
    rig.apply({external_name("prod", "out", "www.out.test")});
    rig.upstream().set_script([](FakeUpstream&, const Received&) {});
    CHECK(why(rig, "a.test") == "22 " + upstream_of(rig) + " timed out");
    CHECK(why(rig, "a.test") == "13 " + upstream_of(rig) + " timed out");
    rig.advance(6s);
    CHECK(why(rig, "a.test") == "22 " + upstream_of(rig) + " timed out");
    rig.upstream().set_script(with_rcode(2));
    CHECK(why(rig, "b.test") == "0 an upstream answered SERVFAIL");
    CHECK(why(rig, "b.test") == "13 an upstream answered SERVFAIL");
    CHECK(why(rig, "out.prod.svc.cluster.local") == "22 an upstream answered SERVFAIL");
    rig.upstream().set_script(with_rcode(5));
    CHECK(why(rig, "c.test") == "0 an upstream answered REFUSED");
    rig.upstream().set_script(with_rcode(3));
    CHECK(why(rig, "d.test") == "");
}

TEST_CASE("why: a stale answer, and a stale denial") {
    CorefileRig rig(R"(
. {
    cache {
        serve_stale 1h
    }
    forward . UPSTREAM
})");
    CHECK(why(rig, "a.test") == "");
    rig.upstream().set_script([](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message, 3);
        add_soa(reply, "test.");
        self.send(query, reply);
    });
    CHECK(why(rig, "no.test") == "");
    rig.upstream().set_script([](FakeUpstream&, const Received&) {});
    rig.advance(20min);
    CHECK(why(rig, "a.test") == "3 an expired answer from the cache");
    CHECK(why(rig, "no.test") == "19 an expired denial from the cache");
}

TEST_CASE("`ede off`: no word; rcode and records are the same") {
    CorefileRig rig(kCorefile);
    const Reply quiet = rig.ask({.name = "www.quiet.org", .edns = true});
    CHECK(verdict_of(quiet) == "REFUSED qr rd");
    CHECK(quiet.edns);
    CHECK(quiet.why == "");
    CHECK(rig.ask({.name = "quiet.org", .type = zones::qtype::kAxfr, .edns = true}).why == "");
    for (const bool off : {false, true}) {
        CAPTURE(off);
        CorefileRig one(std::string(". {\n ede ") + (off ? "off" : "on") +
                        "\n kubernetes cluster.local {\n manifests .\n }\n}\n");
        one.apply({});
        const Reply reply = one.ask({.name = "x.prod.svc.cluster.local", .edns = true});
        CHECK(verdict_of(reply) == "NXDOMAIN qr aa rd");
        CHECK(reply.authority.size() == 1);
        CHECK(reply.why == (off ? "" : "0 no service \"x\" in namespace \"prod\""));
    }
}

TEST_CASE("a client without EDNS gets the same octets whether `ede` is on or off") {
    const auto corefile = [](const char* ede) {
        return ". {\n ede " + std::string(ede) +
               "\n acl blocked.test {\n block\n }\n kubernetes cluster.local {\n manifests .\n "
               "}\n}";
    };
    CorefileRig on(corefile("on")), off(corefile("off"));
    on.apply({cluster_ip("prod", "web", "10.0.0.1")});
    off.apply({cluster_ip("prod", "web", "10.0.0.1")});
    for (const char* name : {"web.prod.svc.cluster.local", "x.prod.svc.cluster.local",
                             "web.prd.svc.cluster.local", "a.blocked.test", "elsewhere.test"}) {
        CAPTURE(name);
        const Octets query = make_query({.name = name});
        const Octets told = on.ask(query);
        CHECK(told == off.ask(query));
        CHECK_FALSE(read_reply(told).edns);
    }
}

TEST_CASE("what a failure of upstreams is called") {
    using resolver::ForwardError;
    const resolver::Upstream v4{"10.0.0.2", 53}, v6{"2001:db8::1", 5353};
    CHECK(text_of({ForwardError::Timeout, &v4}) == "upstream 10.0.0.2:53 timed out");
    const auto network = [&](int cause) { return text_of({ForwardError::Network, &v6, cause}); };
    const std::string who = "upstream [2001:db8::1]:5353: ";
    CHECK(network(ECONNREFUSED) == who + "connection refused");
    CHECK(network(ECONNRESET) == who + "connection reset");
    CHECK(network(EPIPE) == who + "connection reset");
    CHECK(network(0) == who + "connection closed");
    CHECK(network(ENETUNREACH) == who + "network unreachable");
    CHECK(network(EHOSTUNREACH) == who + "no route to host");
    CHECK(network(ETIMEDOUT) == who + "connection timed out");
    CHECK(network(EPERM) == who + "not permitted by the network");
    CHECK(network(EACCES) == who + "not permitted by the network");
    CHECK(network(EBADMSG) == who + "malformed reply");
    CHECK(network(EMFILE) == who + "no connection");
    CHECK(text_of({ForwardError::Network}) == "all upstreams are down or loop");
    CHECK(server::extended_error_of({ForwardError::Timeout, &v4}) == 22);
    CHECK(server::extended_error_of({ForwardError::Network}) == 23);
    CHECK(server::extended_error_of({ForwardError::Overload}) == 0);
    CHECK(server::extended_error_of({ForwardError::Stopped}) == 0);
}

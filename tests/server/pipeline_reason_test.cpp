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

constexpr const char* kReasonsCorefile = R"(
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

/// A reply with an Extended DNS Error; an answer, or a denial that may be kept.
FakeUpstream::Script saying(std::uint8_t rcode, std::uint16_t code, const std::string& text) {
    return [=](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message, rcode);
        if (rcode == 0) {
            add_address(reply, zones::Section::Answer, asked_name(query), 1);
        } else if (rcode == 3) {
            add_soa(reply, "test.");
        }
        const auto high = [](std::size_t number) { return static_cast<std::uint8_t>(number >> 8); };
        const auto low = [](std::size_t number) { return static_cast<std::uint8_t>(number); };
        const std::size_t size = text.size() + 2;
        Octets options{0, 10, 0, 2, 1, 1, 0, 15, high(size), low(size), high(code), low(code)};
        options.insert(options.end(), text.begin(), text.end());
        add_opt(reply, 1232, options);
        self.send(query, reply);
    };
}

std::string text_of(const resolver::ForwardFailure& failure) {
    zones::ReasonText text;
    server::add_reason(failure, text);
    return std::string(text.view());
}

}  // namespace

TEST_CASE("why: what a server block does by itself") {
    CorefileRig rig(kReasonsCorefile);
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
    CHECK(rig.ask({.name = "cluster.local", .edns = true, .version = 1}).why ==
          "0 EDNS version 1 is not known, 0 is");
}

TEST_CASE("why: what upstreams do, fresh and from the cache") {
    CorefileRig rig(kReasonsCorefile);
    rig.apply({external_name("prod", "out", "www.out.test")});
    rig.upstream().set_script([](FakeUpstream&, const Received&) {});
    CHECK(why(rig, "a.test") == "22 " + upstream_of(rig) + " timed out");
    CHECK(why(rig, "a.test") == "13 " + upstream_of(rig) + " timed out");
    rig.advance(6s);
    CHECK(why(rig, "a.test") == "22 " + upstream_of(rig) + " timed out");
    rig.upstream().set_script(with_rcode(2));
    CHECK(why(rig, "b.test") == "0 " + upstream_of(rig) + " answered SERVFAIL");
    CHECK(why(rig, "b.test") == "13 " + upstream_of(rig) + " answered SERVFAIL");
    CHECK(why(rig, "out.prod.svc.cluster.local") ==
          "22 " + upstream_of(rig) + " answered SERVFAIL");
    CHECK(why(rig, "out.prod.svc.cluster.local") ==
          "13 " + upstream_of(rig) + " answered SERVFAIL");
    rig.upstream().set_script(with_rcode(5));
    CHECK(why(rig, "c.test") == "0 " + upstream_of(rig) + " answered REFUSED");
    rig.upstream().set_script(with_rcode(4));
    CHECK(why(rig, "e.test") == "0 " + upstream_of(rig) + " answered NOTIMP");
    CHECK(why(rig, "e.test") == "0 " + upstream_of(rig) + " answered NOTIMP");
    rig.upstream().set_script(with_rcode(3));
    CHECK(why(rig, "d.test") == "");
}

TEST_CASE("why: what an upstream gives as the reason is passed on as the upstream's") {
    CorefileRig rig(kReasonsCorefile);
    rig.upstream().set_script(saying(2, 6, "signature expired"));
    const std::string bogus = "6 " + upstream_of(rig) + " answered SERVFAIL: \"signature expired\"";
    CHECK(why(rig, "a.test") == bogus);
    CHECK(why(rig, "a.test") == bogus);
    CHECK(rig.upstream().received().size() == 1);
    rig.upstream().set_script(saying(2, 9, ""));
    CHECK(why(rig, "b.test") == "9 " + upstream_of(rig) + " answered SERVFAIL");
    CHECK(why(rig, "b.test") == "9 " + upstream_of(rig) + " answered SERVFAIL");
    rig.upstream().set_script(saying(2, 0, "no \"key\" at \xc3\xa9"));
    CHECK(why(rig, "c.test") == "0 " + upstream_of(rig) + " answered SERVFAIL: \"no 'key' at ??\"");
    CHECK(why(rig, "c.test") ==
          "13 " + upstream_of(rig) + " answered SERVFAIL: \"no 'key' at ??\"");
    rig.upstream().set_script(saying(5, 18, "not you"));
    CHECK(why(rig, "d.test") == "18 " + upstream_of(rig) + " answered REFUSED: \"not you\"");
    rig.upstream().set_script(saying(2, 0, ""));  // says nothing
    CHECK(why(rig, "e.test") == "0 " + upstream_of(rig) + " answered SERVFAIL");
    rig.upstream().set_script(saying(2, 6, std::string(900, 'x')));
    const std::string cut = why(rig, "f.test");
    CHECK(cut.size() <= 255);
    CHECK(cut.ends_with("xxx..."));
    CHECK(why(rig, "f.test") == cut);
}

TEST_CASE("why: an upstream's reason for an answer or denial, fresh, cached, and where it is off") {
    CorefileRig rig(kReasonsCorefile);
    rig.upstream().set_script(saying(3, 15, "on a list"));
    const std::string blocked = "15 " + upstream_of(rig) + ": \"on a list\"";
    CHECK(why(rig, "a.test") == blocked);
    const Reply cached = rig.ask_from("192.0.2.7", {.name = "a.test", .edns = true});
    CHECK(verdict_of(cached) == "NXDOMAIN qr rd ra");
    CHECK(cached.authority.size() == 1);
    CHECK(cached.why == blocked);
    CHECK(rig.upstream().received().size() == 1);
    CHECK_FALSE(rig.ask({.name = "a.test"}).edns);
    rig.upstream().set_script(saying(0, 3, ""));
    CHECK(why(rig, "b.test") == "3 " + upstream_of(rig) + " says so");
    const Reply answer = rig.ask({.name = "b.test", .edns = true});
    CHECK(answer.answer.size() == 1);
    CHECK(answer.why == "3 " + upstream_of(rig) + " says so");
    CorefileRig quiet(". {\n ede off\n cache\n forward . UPSTREAM\n}\n");
    quiet.upstream().set_script(saying(2, 6, "signature expired"));
    CHECK(why(quiet, "a.test") == "");
    CHECK(why(quiet, "a.test") == "");
}

TEST_CASE("why: what an upstream says of a rewritten name names it, and is left out") {
    CorefileRig rig(
        ". {\n rewrite name exact a.test hidden.test\n cache\n forward . UPSTREAM\n}\n");
    rig.upstream().set_script(saying(2, 6, "hidden.test is bogus"));
    CHECK(why(rig, "a.test") == "6 " + upstream_of(rig) + " answered SERVFAIL");
    CHECK(why(rig, "a.test") == "6 " + upstream_of(rig) + " answered SERVFAIL");
    CHECK(why(rig, "hidden.test") ==
          "6 " + upstream_of(rig) + " answered SERVFAIL: \"hidden.test is bogus\"");
}

TEST_CASE("why: a reply that is malformed, with who sent it") {
    CorefileRig rig(kReasonsCorefile);
    rig.upstream().set_script([](FakeUpstream& self, const Received& query) {
        Octets reply = support::make_reply(query.message);
        support::write16(reply, 6, 9);  // answers that are not there
        self.send(query, reply);
    });
    CHECK(why(rig, "a.test") == "23 " + upstream_of(rig) + ": malformed reply");
}

TEST_CASE("why: queries that are none, where their OPT can be read") {
    CorefileRig rig(kReasonsCorefile);
    const Octets good = make_query({.name = "web.test", .edns = true});
    const auto said = [&](const Octets& query) { return read_reply(rig.ask(query)); };
    Octets query = good;
    query[2] = 0x28 | zones::header::kRd;  // UPDATE (RFC 2136 §1.3)
    query[3] = zones::header::kCd;
    Reply reply = said(query);
    CHECK(reply.why == "21 only opcode QUERY is served");
    CHECK(reply.rcode == "NOTIMPL");
    CHECK(reply.edns);
    CHECK(rig.ask(query)[2] == 0xa8);
    CHECK(rig.ask(query)[3] == 4);
    query.resize(zones::kHeaderSize);
    CHECK(rig.ask(query).size() == zones::kHeaderSize);  // promises what it has not
    query = good;
    query.push_back(0);
    CHECK(said(query).why == "0 malformed query: octets behind the last record");
    query = good;
    query.insert(query.end(), good.end() - zones::kOptSize, good.end());
    support::write16(query, 10, 2);
    CHECK(said(query).why == "0 malformed query: more than one OPT record");
    query = good;
    query.insert(query.end(), good.end() - zones::kOptSize, good.end() - 4);
    support::write16(query, 10, 2);
    CHECK(said(query).why == "0 malformed query: a record is cut short");
    query.assign(good.begin(), good.begin() + zones::kHeaderSize);
    query.insert(query.end(), good.end() - zones::kOptSize, good.end());
    support::write16(query, 4, 0);
    CHECK(said(query).why == "0 malformed query: no question");
    query = good;
    query.insert(query.end() - zones::kOptSize, good.begin() + zones::kHeaderSize,
                 good.end() - zones::kOptSize);
    support::write16(query, 4, 2);
    reply = said(query);
    CHECK(reply.rcode == "FORMERR");
    CHECK(reply.why == "0 malformed query: more than one question");
    query = make_query({.name = "web.test"});
    query.push_back(0);
    reply = said(query);
    CHECK(reply.rcode == "FORMERR");
    CHECK_FALSE(reply.edns);
}

TEST_CASE("why: of what is in no block, unless all say `ede off`") {
    const auto asked = [](const char* corefile) {
        CorefileRig rig(corefile);
        Octets query = make_query({.name = "web.test", .edns = true});
        query.push_back(0);
        return std::pair(read_reply(rig.ask(query)).why, why(rig, "elsewhere.net"));
    };
    const auto told = std::pair<std::string, std::string>(
        "0 malformed query: octets behind the last record", "20 no server block is for this name");
    using Silence = std::pair<std::string, std::string>;
    CHECK(asked("test {\n}\nother.org {\n ede off\n}\n") == told);
    CHECK(asked("test {\n ede off\n}\nother.org {\n}\n") == Silence("", told.second));
    CHECK(asked("test {\n ede off\n}\nother.org {\n ede off\n}\n") == Silence());
}

TEST_CASE("why: truncated by a limit, as far as the reply gets no larger than the query") {
    CorefileRig slip(". {\n local\n rrl {\n responses-per-second 1\n slip-ratio 1\n}\n}\n");
    CorefileRig cut(". {\n local\n ratelimit 1 {\n burst 1\n over truncate\n}\n}\n");
    CorefileRig quiet(
        ". {\n ede off\n local\n rrl {\n responses-per-second 1\n slip-ratio 1\n}\n}\n");
    const Octets cookie{0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};  // as dig sends one (RFC 7873)
    Octets padding{0, 12, 0, 32};                              // RFC 7830
    padding.resize(36);
    std::string client = "192.0.2.7";
    for (const auto& [options, why] : {std::pair(Octets(), ""), std::pair(cookie, "18"),
                                       std::pair(padding, "18 over a limit: ask over TCP")}) {
        for (CorefileRig* rig : {&slip, &cut, &quiet}) {
            const Asked asked{.name = "localhost.test", .edns = true, .options = options};
            rig->ask_from(client.c_str(), asked);
            const Reply reply = rig->ask_from(client.c_str(), asked);
            CHECK(verdict_of(reply).find(" tc") != std::string::npos);
            CHECK(reply.edns);
            CHECK(reply.why == (rig == &quiet ? "" : why));
            CHECK(reply.size <= make_query(asked).size());
        }
        client += '1';
    }
    CHECK_FALSE(slip.ask_from("192.0.2.7", {.name = "localhost.test"}).edns);
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
    CorefileRig rig(kReasonsCorefile);
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

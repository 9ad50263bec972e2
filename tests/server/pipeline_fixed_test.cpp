// `any`, `chaos`, `local` and `whoami` in the pipeline: what they come before, what comes before
// them, and that other questions are none of theirs.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

using namespace server::testing;

TEST_CASE("fixed: any, chaos and local come before acl, rewrite and all data") {
    CorefileRig rig(R"(. {
        any
        chaos Herald-1
        local
        acl {
            block
        }
        rewrite name localhost www.example.org
        hosts {
            192.0.2.8 localhost
        }
        forward . UPSTREAM
    })");
    CHECK(rig.ask({.name = "a.test", .type = zones::qtype::kAny}).answer ==
          Texts{"a.test. 8482 IN HINFO \"ANY obsoleted\" \"See RFC 8482\""});
    CHECK(rig.ask(in_chaos("version.bind")).answer == Texts{"version.bind. 0 CH TXT \"Herald-1\""});
    CHECK(rig.ask("localhost").answer == Texts{"localhost. 604800 IN A 127.0.0.1"});
    CHECK(verdict_of(rig.ask("localhost")) == "NOERROR qr rd ra");
    CHECK(rig.ask("a.test").rcode == "REFUSED");
    CHECK(rig.ask(in_chaos("other.bind")).rcode == "REFUSED");
    CHECK(rig.forwarded().empty());
}

TEST_CASE("fixed: what they do not answer goes on") {
    CorefileRig rig(". {\nany\nchaos\nlocal\nforward . UPSTREAM\n}");
    CHECK(rig.ask("www.example.org").answer == Texts{"www.example.org. 60 IN A 192.0.2.1"});
    CHECK(rig.ask(in_chaos("x.version.bind")).rcode == "NOERROR");
    CHECK(rig.forwarded() == Texts{"www.example.org.", "x.version.bind."});
}

TEST_CASE("fixed: a block with chaos alone") {
    CorefileRig rig("hostname.bind {\nchaos\n}");
    const Reply reply = rig.ask(in_chaos("HOSTNAME.bind"));
    CHECK(verdict_of(reply) == "NOERROR qr rd");
    REQUIRE(reply.answer.size() == 1);
    CHECK(reply.answer[0].starts_with("HOSTNAME.bind. 0 CH TXT \""));
    CHECK(rig.ask(in_chaos("x.hostname.bind")).rcode == "REFUSED");
    CHECK(rig.ask("hostname.bind").rcode == "SERVFAIL");
    CHECK(rig.ask(in_chaos("version.bind")).rcode == "REFUSED");  // no block of ours
}

TEST_CASE("fixed: a CNAME may lead to local") {
    CorefileRig rig(R"(. {
        local
        template IN A alias.test {
            answer "{{ .Name }} 60 IN CNAME localhost."
        }
    })");
    const Reply reply = rig.ask("alias.test");
    CHECK(verdict_of(reply) == "NOERROR qr aa rd");
    CHECK(reply.answer ==
          Texts{"alias.test. 60 IN CNAME localhost.", "localhost. 604800 IN A 127.0.0.1"});
}

TEST_CASE("fixed: a name is not answered by local because of a rewrite") {
    CorefileRig rig(". {\nlocal\nrewrite name a.test localhost\nforward . UPSTREAM\n}");
    CHECK(rig.ask("a.test").rcode == "NOERROR");
    CHECK(rig.forwarded() == Texts{"localhost."});
}

TEST_CASE("whoami: what nobody else answers") {
    CorefileRig rig(R"(. {
        whoami
        hosts {
            192.0.2.8 listed.test
            fallthrough
        }
        forward example.org UPSTREAM
    })");
    const Reply reply = rig.ask_from("10.1.2.3", {.name = "Who.test", .type = zones::qtype::kTxt});
    CHECK(verdict_of(reply).starts_with("NOERROR qr aa rd"));
    CHECK(reply.answer.empty());
    CHECK(reply.additional ==
          Texts{"Who.test. 0 IN A 10.1.2.3", "_udp.Who.test. 0 IN SRV 0 0 0 ."});
    CHECK(rig.ask_from("fd00::7", {.name = "who.test"}).additional.at(0) ==
          "who.test. 0 IN AAAA fd00::7");
    CHECK(rig.ask("listed.test").answer == Texts{"listed.test. 3600 IN A 192.0.2.8"});
    CHECK(rig.ask("www.example.org").answer == Texts{"www.example.org. 60 IN A 192.0.2.1"});
    CHECK(rig.ask({.name = "who.test", .qclass = zones::kClassCh}).rcode == "SERVFAIL");
}

TEST_CASE("whoami: at the end of a chain there is only the CNAME") {
    CorefileRig rig(R"(. {
        whoami
        template IN A alias.test {
            answer "{{ .Name }} 60 IN CNAME who.test."
        }
    })");
    const Reply reply = rig.ask_from("10.1.2.3", {.name = "alias.test"});
    CHECK(verdict_of(reply) == "NOERROR qr aa rd");
    CHECK(reply.answer == Texts{"alias.test. 60 IN CNAME who.test."});
    CHECK(reply.additional.empty());
}

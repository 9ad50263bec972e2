// `template`, `hosts`, the cluster, the upstream: who comes first, who is next, and where CNAMEs
// lead between them.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

using namespace server::testing;
using namespace std::chrono_literals;
using support::FakeUpstream;
using support::Received;

namespace {

/// Plugins in the Corefile stand in another order than the one they have in the pipeline.
constexpr const char* kTablesCorefile = R"(. {
    forward . UPSTREAM
    kubernetes cluster.local
    hosts {
        192.0.2.8 both.test web.prod.svc.cluster.local listed.test
        fallthrough
    }
    template IN A both.test made.test {
        match ^both\.test\.$
        match ^made\.test\.$
        answer "{{ .Name }} 60 IN A 192.0.2.9"
        fallthrough
    }
})";

struct TablesRig : CorefileRig {
    TablesRig() : CorefileRig(kTablesCorefile) {
        apply({cluster_ip("prod", "web", "10.0.0.1"), cluster_ip("prod", "api", "10.0.0.2")});
    }
};

/// A template that makes `owner` an alias of `target`.
std::string alias(const std::string& owner, const std::string& target) {
    return "template IN ANY " + owner + " {\nanswer \"{{ .Name }} 60 IN CNAME " + target +
           ".\"\n}\n";
}

std::string numbered(int i) {
    return "n" + std::to_string(i) + ".test";
}

}  // namespace

TEST_CASE("template comes before hosts, hosts before kubernetes, all before the upstream") {
    TablesRig rig;
    CHECK(rig.ask("both.test").answer == Texts{"both.test. 60 IN A 192.0.2.9"});
    CHECK(rig.ask("web.prod.svc.cluster.local").answer ==
          Texts{"web.prod.svc.cluster.local. 3600 IN A 192.0.2.8"});
    CHECK(rig.ask("listed.test").answer == Texts{"listed.test. 3600 IN A 192.0.2.8"});
    CHECK(rig.forwarded().empty());
}

TEST_CASE("each that falls through leaves the question to the next") {
    TablesRig rig;
    CHECK(rig.ask("api.prod.svc.cluster.local").answer ==
          Texts{"api.prod.svc.cluster.local. 5 IN A 10.0.0.2"});
    CHECK(rig.ask("a.made.test").answer == Texts{"a.made.test. 60 IN A 192.0.2.1"});
    CHECK(rig.ask({.name = "made.test", .type = 28}).rcode == "NOERROR");
    CHECK(rig.ask("no.prod.svc.cluster.local").rcode == "NXDOMAIN");
    CHECK(rig.forwarded() == Texts{"a.made.test.", "made.test."});
}

TEST_CASE("without fallthrough the question ends where it is") {
    CorefileRig rig(R"(. {
        template IN A stop.test {
            match ^yes
            answer "{{ .Name }} 60 IN A 192.0.2.9"
        }
        hosts /dev/null listed.test {
            192.0.2.8 a.listed.test
        }
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    CHECK(rig.ask("no.stop.test").rcode == "SERVFAIL");
    CHECK(rig.ask("no.listed.test").rcode == "SERVFAIL");
    CHECK(rig.forwarded().empty());
    CHECK(rig.ask("elsewhere.test").rcode == "NOERROR");
}

TEST_CASE("kubernetes falls through to the upstream, past what came before it") {
    CorefileRig rig(R"(. {
        hosts {
            192.0.2.8 listed.test
            fallthrough
        }
        kubernetes cluster.local in-addr.arpa {
            fallthrough in-addr.arpa
        }
        forward . UPSTREAM
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    CHECK(rig.ask({.name = "1.0.0.10.in-addr.arpa", .type = 12}).answer ==
          Texts{"1.0.0.10.in-addr.arpa. 5 IN PTR web.prod.svc.cluster.local."});
    rig.ask({.name = "2.0.0.10.in-addr.arpa", .type = 12});
    CHECK(rig.forwarded() == Texts{"2.0.0.10.in-addr.arpa."});
}

TEST_CASE("hosts: NODATA for a name that it has, and nothing but IN") {
    TablesRig rig;
    const Reply nodata = rig.ask({.name = "listed.test", .type = 28});
    CHECK(verdict_of(nodata) == "NOERROR qr aa rd ra");
    CHECK(nodata.answer.empty());
    CHECK(rig.forwarded().empty());
    rig.ask({.name = "listed.test", .qclass = 3});
    CHECK(rig.forwarded() == Texts{"listed.test."});
}

TEST_CASE("a class that only a template could answer is refused for the cluster's names") {
    TablesRig rig;
    CHECK(verdict_of(rig.ask({.name = "web.prod.svc.cluster.local", .qclass = 3})) ==
          "REFUSED qr rd ra");
    CHECK(rig.forwarded().empty());
    CorefileRig alone(". {\n" + alias("a.test", "b.test") + "\n}");
    CHECK(alone.ask({.name = "www.example.org", .qclass = 3}).rcode == "REFUSED");
}

TEST_CASE("a template's CNAME is followed to wherever its target is") {
    CorefileRig rig(". {\n" + alias("svc.alias", "web.prod.svc.cluster.local") +
                    alias("host.alias", "listed.test") + alias("far.alias", "www.example.org") +
                    alias("other.alias", "a.other.test") +
                    alias("none.alias", "no.prod.svc.cluster.local") +
                    R"(
        hosts /dev/null listed.test {
            192.0.2.8 listed.test
        }
        kubernetes cluster.local
        forward . UPSTREAM
    }
    other.test {
        hosts {
            192.0.2.7 a.other.test
        }
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    const auto end_of = [&](const std::string& qname) {
        const Reply reply = rig.ask(qname);
        CHECK(types_of(reply) == "CNAME A");
        CHECK(reply.flags.starts_with("qr aa rd"));
        return reply.answer.back();
    };
    CHECK(end_of("svc.alias") == "web.prod.svc.cluster.local. 5 IN A 10.0.0.1");
    CHECK(end_of("host.alias") == "listed.test. 3600 IN A 192.0.2.8");
    CHECK(end_of("other.alias") == "a.other.test. 3600 IN A 192.0.2.7");
    CHECK(rig.forwarded().empty());
    CHECK(end_of("far.alias") == "www.example.org. 60 IN A 192.0.2.1");
    CHECK(rig.forwarded() == Texts{"www.example.org."});
    const Reply none = rig.ask("none.alias");
    CHECK(verdict_of(none) == "NXDOMAIN qr aa rd ra");
    CHECK(none.authority.size() == 1);
    CHECK(types_of(rig.ask({.name = "svc.alias", .type = 5})) == "CNAME");
}

TEST_CASE("an ExternalName's target is found in another block's hosts, template and cache") {
    CorefileRig rig(R"(. {
        kubernetes cluster.local
        forward . UPSTREAM
    }
    hosts.test {
        hosts {
            192.0.2.8 a.hosts.test
        }
    }
    template.test {
        template IN A {
            answer "{{ .Name }} 60 IN A 192.0.2.9"
        }
    }
    cache.test {
        cache
        forward . UPSTREAM
    })");
    rig.apply(
        {external_name("prod", "h", "a.hosts.test"), external_name("prod", "t", "a.template.test"),
         external_name("prod", "c", "a.cache.test"), external_name("prod", "n", "no.hosts.test")});
    CHECK(rig.ask("h.prod.svc.cluster.local").answer.at(1) == "a.hosts.test. 3600 IN A 192.0.2.8");
    CHECK(rig.ask("t.prod.svc.cluster.local").answer.at(1) == "a.template.test. 60 IN A 192.0.2.9");
    CHECK(rig.forwarded().empty());
    rig.ask("a.cache.test");
    rig.advance(10s);
    CHECK(rig.ask("c.prod.svc.cluster.local").answer.at(1) == "a.cache.test. 50 IN A 192.0.2.1");
    CHECK(rig.forwarded() == Texts{"a.cache.test."});
    const Reply none = rig.ask("n.prod.svc.cluster.local");
    CHECK(none.rcode == "SERVFAIL");
    CHECK(types_of(none) == "CNAME");
}

TEST_CASE("an ExternalName's target in the cluster is what hosts and templates make of it") {
    CorefileRig rig(R"(. {
        hosts {
            192.0.2.8 web.prod.svc.cluster.local
            fallthrough
        }
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1"),
               external_name("prod", "in", "web.prod.svc.cluster.local")});
    const Reply reply = rig.ask("in.prod.svc.cluster.local");
    CHECK(types_of(reply) == "CNAME A");
    CHECK(reply.answer.back() == "web.prod.svc.cluster.local. 3600 IN A 192.0.2.8");
}

TEST_CASE("CNAMEs are followed for 16 links, within a template's block and between blocks") {
    std::string one = ". {\n", many;
    for (int i = 0; i < 20; ++i) {
        one += alias(numbered(i), numbered(i + 1));
        many += numbered(i) + " {\n" + alias(numbered(i), numbered(i + 1)) + "}\n";
    }
    many += ". {\nforward . UPSTREAM\n}\n";
    for (const std::string& corefile : {one + "forward . UPSTREAM\n}\n", many}) {
        CAPTURE(corefile);
        CorefileRig rig(corefile);
        CHECK(rig.ask(numbered(0)).answer.size() == zones::Chain::kMaxLinks + 1);
        CHECK(rig.forwarded().empty());
        const Reply end = rig.ask(numbered(4));  // 16 links to what no block has
        CHECK(end.answer.size() == 17);
        CHECK(end.answer.back() == numbered(20) + ". 60 IN A 192.0.2.1");
        CHECK(rig.forwarded() == Texts{numbered(20) + "."});
    }
}

TEST_CASE("CNAMEs that lead round in a circle end where it closes") {
    CorefileRig rig("a.test {\n" + alias("a.test", "b.prod.svc.cluster.local") +
                    "}\n. {\nkubernetes cluster.local\nforward . UPSTREAM\n}\n" + "self.test {\n" +
                    alias("self.test", "self.test") + "}\n");
    rig.apply({external_name("prod", "b", "A.test"), external_name("prod", "c", "a.test")});
    for (const char* qname : {"A.test", "b.prod.svc.cluster.local"}) {
        CAPTURE(qname);
        const Reply reply = rig.ask(qname);
        CHECK(verdict_of(reply).starts_with("NOERROR qr aa rd"));
        CHECK(types_of(reply) == "CNAME CNAME");
    }
    CHECK(types_of(rig.ask("c.prod.svc.cluster.local")) == "CNAME CNAME CNAME");
    CHECK(types_of(rig.ask("self.test")) == "CNAME");
    CHECK(rig.forwarded().empty());
}

TEST_CASE("a CNAME into a block that serves nothing, or to where none is") {
    CorefileRig rig("a.test {\n" + alias("a.test", "b.empty.test") + "}\nc.test {\n" +
                    alias("c.test", "nowhere.example") + "}\nempty.test {\n}\n");
    for (const char* qname : {"a.test", "c.test"}) {
        const Reply reply = rig.ask(qname);
        CHECK(verdict_of(reply) == "REFUSED qr aa rd");
        CHECK(types_of(reply) == "CNAME");
    }
}

TEST_CASE("a block without these plugins is as it was beside blocks that have them") {
    CorefileRig rig(R"(plain.test {
        forward . UPSTREAM
    }
    . {
        acl {
            block
        }
        rewrite name suffix .plain.test .other.test answer auto
        template ANY ANY {
            rcode NXDOMAIN
        }
        hosts {
            192.0.2.8 a.plain.test
        }
        cache
        forward . UPSTREAM
    })");
    for (int i = 0; i < 2; ++i) {
        const Reply reply = rig.ask_from("10.9.0.1", {.name = "a.plain.test", .edns = true});
        CHECK(verdict_of(reply) == "NOERROR qr rd ra");
        CHECK(reply.answer == Texts{"a.plain.test. 60 IN A 192.0.2.1"});
    }
    CHECK(rig.forwarded() == Texts{"a.plain.test.", "a.plain.test."});
    CHECK(rig.ask_from("10.9.0.1", {.name = "b.test"}).rcode == "REFUSED");
}

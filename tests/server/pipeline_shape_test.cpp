// `bufsize`, `header`, `minimal` and `nsid`: what they do to replies of every origin.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

using namespace server::testing;

namespace {

/// The name, and a SOA in the authority section that answers have no need for.
void answer_with_authority(support::FakeUpstream& upstream, const support::Received& query) {
    const std::string name = zones::to_lower(asked_name(query));
    Octets reply = support::make_reply(query.message);
    if (name.starts_with("nope.")) {
        reply[3] = 3;
    } else {
        add_address(reply, zones::Section::Answer, name, 1);
    }
    add_soa(reply, "example.org");
    upstream.send(query, reply);
}

/// `count` headless addresses: 16 octets each.
void apply_headless(Rig& rig, int count) {
    std::vector<std::string> addresses;
    for (int i = 1; i <= count; ++i) {
        addresses.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    }
    rig.apply({headless("prod", "large"), endpoints("prod", "large", addresses)});
}

Asked large_over_udp(std::uint16_t udp_size) {
    return {.name = "large.prod.svc.cluster.local", .edns = true, .udp_size = udp_size};
}

bool holds(const Octets& message, const std::string& octets) {
    return std::search(message.begin(), message.end(), octets.begin(), octets.end()) !=
           message.end();
}

const Octets kAsksServerId{0, 3, 0, 0};
const std::string kServerId("\0\3\0\4ns-7", 8);

}  // namespace

TEST_CASE("bufsize: the most over UDP, whatever the client takes") {
    struct Case {
        const char* bufsize;
        std::uint16_t client;
        std::size_t most;
    };
    for (const Case& c : {Case{"bufsize 512", 1232, 512},
                          {"bufsize 700", 1232, 700},
                          {"bufsize 700", 600, 600},
                          {"bufsize", 4096, 1232},
                          {"", 4096, 1232},
                          {"bufsize 4096", 4096, 4096},
                          {"bufsize 4096", 2000, 2000},
                          {"bufsize 2048", 65535, 2048}}) {
        CAPTURE(c.bufsize);
        CAPTURE(c.client);
        CorefileRig rig(". {\n" + std::string(c.bufsize) + "\nkubernetes cluster.local\n}");
        apply_headless(rig, 400);
        const Reply reply = rig.ask(large_over_udp(c.client));
        CHECK(reply.flags.find("tc") != std::string::npos);
        CHECK(reply.size <= c.most);
        CHECK(reply.size > c.most - 16);
        CHECK(rig.ask({.name = "large.prod.svc.cluster.local"}).size <= 512);
    }
}

TEST_CASE("bufsize: a reply that was waited for, and one to a rewritten name") {
    CorefileRig rig(R"(. {
        bufsize 600
        rewrite name exact a.test large.prod.svc.cluster.local answer auto
        kubernetes cluster.local
        forward . UPSTREAM
    })");
    apply_headless(rig, 400);
    Asked asked = large_over_udp(4096);
    asked.name = "a.test";
    const Reply rewritten = rig.ask(asked);
    CHECK(rewritten.size <= 600);
    CHECK(rewritten.size > 500);
    asked.name = "www.example.org";
    CHECK(rig.ask(asked).answer == Texts{"www.example.org. 60 IN A 192.0.2.1"});
}

TEST_CASE("bufsize: over TCP there is no such limit") {
    CorefileRig rig(". {\nbufsize 512\nkubernetes cluster.local\n}");
    apply_headless(rig, 400);
    CHECK(read_reply(rig.ask_as_tcp(make_query(large_over_udp(512)))).answer.size() == 400);
}

TEST_CASE("header: bits of every reply") {
    CorefileRig rig(R"(. {
        header {
            response clear aa rd
            set ra
        }
        kubernetes cluster.local
        template IN A made.test {
            answer "{{ .Name }} 60 IN A 192.0.2.9"
        }
        forward . UPSTREAM
        cache 30
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    for (const char* name : {"web.prod.svc.cluster.local", "no.prod.svc.cluster.local", "made.test",
                             "www.example.org", "www.example.org"}) {
        CAPTURE(name);
        CHECK(rig.ask(name).flags == "qr ra");
    }
}

TEST_CASE("header: set wins what it is told last, for a rewritten name too") {
    CorefileRig rig(R"(. {
        header {
            clear aa
            set aa
        }
        rewrite name exact a.test b.test answer auto
        forward . UPSTREAM
    })");
    CHECK(rig.ask("www.example.org").flags == "qr aa rd ra");
    CHECK(rig.ask("a.test").flags == "qr aa rd ra");
}

TEST_CASE("header: RD of the question that goes upstream") {
    const auto asked_with = [](const std::string& rule, std::uint8_t flags2) {
        CorefileRig rig(". {\nheader {\n" + rule + "\n}\nforward . UPSTREAM\n}");
        const Reply reply = rig.ask({.name = "www.example.org", .flags2 = flags2});
        const auto& message = rig.upstream().received().back().message;
        return std::string((message[2] & 1) != 0 ? "rd" : "--") + " " + reply.flags;
    };
    CHECK(asked_with("query set rd", 0) == "rd qr rd ra");
    CHECK(asked_with("query clear rd", 1) == "-- qr ra");
    CHECK(asked_with("response clear rd", 1) == "rd qr ra");
    CHECK(asked_with("query set aa", 1) == "rd qr rd ra");
}

TEST_CASE("header: not for what comes before it") {
    CorefileRig rig(". {\nlocal\nheader {\nset aa\n}\nforward . UPSTREAM\n}");
    CHECK(rig.ask("localhost").flags == "qr rd ra");
    CHECK(rig.ask("www.example.org").flags == "qr aa rd ra");
}

TEST_CASE("minimal: answers alone, denials whole") {
    const std::string with =
        ". {\nkubernetes cluster.local\nforward . UPSTREAM\ncache 30\nminimal\n}";
    CorefileRig rig(with);
    rig.upstream().set_script(answer_with_authority);
    rig.apply({headless("prod", "db"), endpoints("prod", "db", {"10.1.0.1"})});
    const Asked srv{.name = "db.prod.svc.cluster.local", .type = zones::qtype::kSrv, .edns = true};
    const Reply from_cluster = rig.ask(srv);
    CHECK(from_cluster.answer.size() == 1);
    CHECK(from_cluster.additional.empty());
    CHECK(from_cluster.edns);
    for (int i = 0; i < 2; ++i) {  // from the upstream, and from the cache
        const Reply forwarded = rig.ask("www.example.org");
        CHECK(forwarded.answer == Texts{"www.example.org. 30 IN A 192.0.2.1"});
        CHECK(forwarded.authority.empty());
        const Reply denied = rig.ask("nope.example.org");
        CHECK(denied.rcode == "NXDOMAIN");
        CHECK(denied.authority.size() == 1);
    }
    CHECK(rig.ask("no.prod.svc.cluster.local").authority.size() == 1);

    CorefileRig without(". {\nkubernetes cluster.local\nforward . UPSTREAM\n}");
    without.upstream().set_script(answer_with_authority);
    without.apply({headless("prod", "db"), endpoints("prod", "db", {"10.1.0.1"})});
    CHECK(without.ask(srv).additional.size() == 1);
    CHECK(without.ask("www.example.org").authority.size() == 1);
}

TEST_CASE("nsid: for those who ask, on every reply of the block") {
    CorefileRig rig(R"(. {
        nsid ns-7
        rewrite name exact a.test b.test answer auto
        kubernetes cluster.local
        forward . UPSTREAM
        cache 30
    }
    refused.test {
        nsid other
        acl {
            block
        }
    })");
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    for (const char* name : {"web.prod.svc.cluster.local", "no.prod.svc.cluster.local",
                             "www.example.org", "www.example.org", "a.test"}) {
        CAPTURE(name);
        const Asked asks{.name = name, .edns = true, .options = kAsksServerId};
        const Octets reply = rig.ask(make_query(asks));
        CHECK(read_reply(reply).edns);
        CHECK(holds(reply, kServerId));
        CHECK_FALSE(holds(rig.ask(make_query({.name = name, .edns = true})), "ns-7"));
        CHECK_FALSE(holds(rig.ask(make_query({.name = name})), "ns-7"));
    }
    const Octets refused =
        rig.ask(make_query({.name = "refused.test", .edns = true, .options = kAsksServerId}));
    CHECK(read_reply(refused).rcode == "REFUSED");
    CHECK(holds(refused, "other"));
    CHECK(read_reply(refused).why == "15 blocked by acl");  // beside the reason
}

TEST_CASE("nsid: there is room for it in a reply that is cut") {
    CorefileRig rig(". {\nnsid ns-7\nkubernetes cluster.local\n}");
    apply_headless(rig, 400);
    constexpr std::array<std::uint16_t, 5> kSizes{512, 513, 520, 527, 1232};
    for (const std::uint16_t size : kSizes) {
        CAPTURE(size);
        Asked asked = large_over_udp(size);
        asked.options = kAsksServerId;
        const Octets reply = rig.ask(make_query(asked));
        CHECK(reply.size() <= size);
        CHECK(holds(reply, kServerId));
        CHECK(read_reply(reply).flags.find("tc") != std::string::npos);
    }
}

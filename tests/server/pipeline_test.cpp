#include "server/pipeline.h"

#include <doctest/doctest.h>

#include "tests/server/rig.h"

namespace {

using namespace server::testing;

using zones::qtype::kSoa;
constexpr std::uint16_t kUnusedPort = 9;  // of upstreams that these tests never ask

/// cluster.local without `forward`, with one Service, synced.
struct AuthoritativeRig : Rig {
    explicit AuthoritativeRig(
        std::vector<server::ServerBlock> blocks = {cluster_block({"cluster.local"})})
        : Rig(std::move(blocks)) {
        apply({cluster_ip("prod", "web", "10.0.0.1")});
    }
};

Octets with_octet(Octets message, std::size_t at, std::uint8_t value) {
    message.at(at) = value;
    return message;
}

}  // namespace

TEST_CASE("a name of the cluster is answered with authority") {
    AuthoritativeRig rig;
    const Reply reply = rig.ask({.name = "Web.prod.svc.cluster.local", .id = 0xbeef});
    CHECK(reply.id == 0xbeef);
    CHECK(verdict_of(reply) == "NOERROR qr aa rd");
    CHECK(reply.question == Texts{"Web.prod.svc.cluster.local. IN A"});
    CHECK(reply.answer == Texts{"Web.prod.svc.cluster.local. 5 IN A 10.0.0.1"});
    CHECK(reply.authority.empty());
    CHECK_FALSE(reply.edns);

    const Reply absent = rig.ask({.name = "api.prod.svc.cluster.local", .flags2 = 0});
    CHECK(verdict_of(absent) == "NXDOMAIN qr aa");
    REQUIRE(absent.authority.size() == 1);
    CHECK(absent.authority.front().starts_with("cluster.local. 5 IN SOA ns.dns.cluster.local."));
}

TEST_CASE("before the objects have been listed a name is not denied") {
    Rig rig({cluster_block({"cluster.local"})});
    CHECK(rig.ask({.name = "web.prod.svc.cluster.local"}).rcode == "SERVFAIL");
    rig.apply({});
    CHECK(rig.ask({.name = "web.prod.svc.cluster.local"}).rcode == "NXDOMAIN");
}

TEST_CASE("what is no query gets no reply") {
    AuthoritativeRig rig;
    const Octets query = make_query({.name = "web.prod.svc.cluster.local"});
    for (std::size_t size = 0; size < zones::kHeaderSize; ++size) {
        CHECK(rig.handle({query.begin(), query.begin() + static_cast<std::ptrdiff_t>(size)}).size ==
              0);
    }
    const auto handled = rig.handle(with_octet(query, 2, 0x80));  // itself a reply
    CHECK(handled.size == 0);
    CHECK_FALSE(handled.waits);
    CHECK(rig.pipeline().counters().all_dropped() == 13);
}

TEST_CASE("malformed questions are FORMERR, with as much of the question as was read") {
    AuthoritativeRig rig;
    const Octets query = make_query({.name = "web.prod.svc.cluster.local"});
    auto cut = query;
    cut.pop_back();
    CHECK(header_of(rig.ask(cut)) == "1234 81 01");
    CHECK(rig.ask(cut).size() == zones::kHeaderSize);

    CHECK(header_of(rig.ask(with_octet(query, 5, 0))) == "1234 81 01");
    const Reply twice = read_reply(rig.ask(with_octet(query, 5, 2)));
    CHECK(verdict_of(twice) == "FORMERR qr rd");
    CHECK(twice.question.size() == 1);
    auto trailing = query;
    trailing.push_back(0);
    CHECK(read_reply(rig.ask(trailing)).rcode == "FORMERR");
    CHECK(rig.pipeline().counters().all_malformed() == 5);
}

TEST_CASE("other opcodes are NOTIMP: the header with all flags clear, and OPT if there was one") {
    AuthoritativeRig rig;
    for (const bool edns : {false, true}) {
        Octets query = make_query({.name = "cluster.local", .type = kSoa, .edns = edns});
        for (const unsigned opcode : {1U, 2U, 4U, 5U, 15U}) {
            CAPTURE(opcode);
            query[2] = static_cast<std::uint8_t>(opcode << 3 | 0x07);
            query[3] = 0xf0;
            const Octets reply = rig.ask(query);
            CHECK(reply[2] == (0x80 | opcode << 3));
            CHECK(reply[3] == 4);
            CHECK(Octets(reply.begin() + 4, reply.begin() + 11) == Octets(7, 0));
            CHECK(reply[11] == (edns ? 1 : 0));
            CHECK((reply.size() > zones::kHeaderSize) == edns);
            CHECK(read_reply(reply).edns == edns);
        }
    }
}

TEST_CASE("EDNS: the version is checked, DO echoed, OPT there only if it was asked with") {
    AuthoritativeRig rig;
    const Reply bad = rig.ask({.name = "cluster.local", .type = kSoa, .edns = true, .version = 1});
    CHECK(bad.rcode == "BADVERS");
    CHECK(bad.answer.empty());
    CHECK(bad.edns);
    const Reply good =
        rig.ask({.name = "cluster.local", .type = kSoa, .edns = true, .dnssec_ok = true});
    CHECK(verdict_of(good) == "NOERROR qr aa rd");
    CHECK(good.answer.size() == 1);
    CHECK(good.dnssec_ok);
    CHECK_FALSE(rig.ask({.name = "cluster.local", .type = kSoa}).edns);
}

TEST_CASE("transfers are refused, over UDP and TCP; signed queries are NOTAUTH") {
    AuthoritativeRig rig;
    for (const std::uint16_t type : {zones::qtype::kAxfr, zones::qtype::kIxfr}) {
        const Octets query = make_query({.name = "cluster.local", .type = type});
        CHECK(read_reply(rig.ask(query)).rcode == "REFUSED");
        CHECK(read_reply(rig.ask_as_tcp(query)).rcode == "REFUSED");
    }
    Octets with_tsig = make_query({.name = "cluster.local", .type = kSoa});
    with_tsig[11] = 1;
    for (const int octet : {0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0}) {
        with_tsig.push_back(static_cast<std::uint8_t>(octet));
    }
    CHECK(header_of(rig.ask(with_tsig)) == "1234 81 09");
}

TEST_CASE("flags of the query: RD and CD come back; AA, TC, RA, AD and Z do not") {
    AuthoritativeRig rig;
    const Octets query = make_query({.name = "cluster.local", .type = kSoa});
    CHECK(header_of(rig.ask(with_octet(query, 2, 0x00))) == "1234 84 00");
    CHECK(header_of(rig.ask(with_octet(query, 2, 0x01))) == "1234 85 00");
    CHECK(header_of(rig.ask(with_octet(query, 2, 0x06))) == "1234 84 00");
    CHECK(header_of(rig.ask(with_octet(query, 3, 0x10))) == "1234 85 10");
    CHECK(header_of(rig.ask(with_octet(query, 3, 0xe0))) == "1234 85 00");
}

TEST_CASE("REFUSED: no block for the name, or one without plugins; neither has RA or AA") {
    auto empty = block({"empty.test"});
    empty.empty = true;
    auto ours = cluster_block({"cluster.local"});
    ours.keys = {{name("cluster.local"), {kLoopback}}};
    AuthoritativeRig rig({ours, empty});
    CHECK(verdict_of(rig.ask({.name = "example.org"})) == "REFUSED qr rd");
    CHECK(verdict_of(rig.ask({.name = "."})) == "REFUSED qr rd");
    const Reply reply = rig.ask({.name = "a.empty.test", .edns = true});
    CHECK(verdict_of(reply) == "REFUSED qr rd");
    CHECK(reply.question.size() == 1);
    CHECK(reply.edns);
}

TEST_CASE("SERVFAIL: a block that nobody answers in") {
    AuthoritativeRig rig;  // serves the root, knows cluster.local, forwards nothing
    CHECK(verdict_of(rig.ask({.name = "example.org"})) == "SERVFAIL qr rd");
    CHECK(rig.pipeline().counters().forwarded.get() == 0);
}

TEST_CASE("RA is set where the block forwards, on what the cluster answers too") {
    auto other = block({"example.org"});
    other.empty = true;
    AuthoritativeRig rig({cluster_block({"cluster.local"}, kUnusedPort), other});
    CHECK(verdict_of(rig.ask({.name = "web.prod.svc.cluster.local"})) == "NOERROR qr aa rd ra");
    CHECK(verdict_of(rig.ask({.name = "no.prod.svc.cluster.local"})) == "NXDOMAIN qr aa rd ra");
    CHECK(verdict_of(rig.ask({.name = "example.org"})) == "REFUSED qr rd");
}

TEST_CASE("classes other than IN are refused for our zones, and where nothing is forwarded") {
    AuthoritativeRig rig;
    AuthoritativeRig forwarding({cluster_block({"cluster.local"}, kUnusedPort)});
    for (const std::uint16_t qclass : std::initializer_list<std::uint16_t>{3, 254, 255}) {
        CAPTURE(qclass);
        const Asked ours{.name = "web.prod.svc.cluster.local", .qclass = qclass};
        CHECK(rig.ask(ours).rcode == "REFUSED");
        CHECK(forwarding.ask(ours).rcode == "REFUSED");
        CHECK(rig.ask({.name = "version.bind", .type = 16, .qclass = qclass}).rcode == "REFUSED");
    }
}

TEST_CASE("a DS question goes to the parent side of the zone cut") {
    auto ours = cluster_block({"cluster.local"});
    ours.keys = {{name("cluster.local"), {kLoopback}}};
    auto parent = block({"."});
    parent.empty = true;
    AuthoritativeRig rig({ours, parent});
    CHECK(rig.ask({.name = "cluster.local", .type = kSoa}).rcode == "NOERROR");
    const Reply ds = rig.ask({.name = "cluster.local", .type = zones::qtype::kDs});
    CHECK(verdict_of(ds) == "NOERROR qr aa rd");  // the root block knows less than we do
    CHECK(ds.answer.empty());
}

TEST_CASE("a large answer: TC and whole records over UDP, everything over TCP") {
    Rig rig({cluster_block({"cluster.local"})});
    Texts addresses;
    for (int i = 0; i < 200; ++i) {
        addresses.push_back("10.0.0." + std::to_string(i + 1));
    }
    rig.apply({headless("prod", "db"), endpoints("prod", "db", addresses)});
    Asked asked{.name = "db.prod.svc.cluster.local"};
    const Reply classic = rig.ask(asked);
    CHECK(verdict_of(classic) == "NOERROR qr aa tc rd");
    CHECK(classic.size <= 512);
    CHECK(classic.answer.size() == (512 - 43) / 16);
    asked.edns = true;
    asked.udp_size = 65535;
    const Reply modern = rig.ask(asked);
    CHECK(verdict_of(modern) == "NOERROR qr aa tc rd");
    CHECK(modern.size <= 1232);
    CHECK(modern.edns);
    CHECK(modern.answer.size() == (1232 - 43 - 11) / 16);
    const Reply stream = read_reply(rig.ask_as_tcp(make_query(asked)));
    CHECK(verdict_of(stream) == "NOERROR qr aa rd");
    CHECK(stream.answer.size() == 200);
}

TEST_CASE("answers rotate only with loadbalance") {
    auto steady = cluster_block({"cluster.local"});
    auto rotating = steady;
    rotating.loadbalance = true;
    for (const auto& one : {steady, rotating}) {
        Rig rig({one});
        rig.apply({headless("prod", "db"), endpoints("prod", "db", {"10.0.0.1", "10.0.0.2"})});
        std::size_t others = 0;
        const auto first = rig.ask({.name = "db.prod.svc.cluster.local"}).answer;
        CHECK(first.size() == 2);
        for (int i = 0; i < 64; ++i) {
            others += rig.ask({.name = "db.prod.svc.cluster.local"}).answer != first ? 1 : 0;
        }
        CHECK((others > 0) == one.loadbalance);
    }
}

TEST_CASE("a name error falls through to the upstream only where fallthrough says so") {
    auto one = cluster_block({"cluster.local", "10.in-addr.arpa"});
    one.kubernetes->options.fallthrough = {name("10.in-addr.arpa")};
    AuthoritativeRig rig({one});  // nobody comes after it
    const std::uint16_t ptr = zones::qtype::kPtr;
    CHECK(rig.ask({.name = "1.0.0.10.in-addr.arpa", .type = ptr}).rcode == "NOERROR");
    CHECK(verdict_of(rig.ask({.name = "9.9.9.10.in-addr.arpa", .type = ptr})) == "SERVFAIL qr rd");
    CHECK(rig.ask({.name = "no.prod.svc.cluster.local"}).rcode == "NXDOMAIN");
}

TEST_CASE("what came together is answered as what came alone") {
    using server::Pipeline;
    AuthoritativeRig rig({cluster_block({"cluster.local"}, kUnusedPort)});
    rig.apply({headless("prod", "db"), external_name("prod", "ext", "web.prod.svc.cluster.local")});
    Octets malformed = make_query({.name = "web.prod.svc.cluster.local"});
    malformed.pop_back();
    const std::vector<Octets> kinds = {
        make_query({.name = "WEB.prod.svc.cluster.local", .id = 1}),
        malformed,
        make_query({.name = "none.prod.svc.cluster.local", .id = 2, .edns = true}),
        make_query({.name = "ext.prod.svc.cluster.local", .id = 3}),
        make_query({.name = "cluster.local", .type = kSoa, .id = 4}),
        {1, 2, 3},
        make_query({.name = "cluster.local", .type = zones::qtype::kDs, .id = 5, .qclass = 3}),
        make_query({.name = "web.prod.svc.cluster.local", .type = zones::qtype::kAxfr})};
    for (std::size_t count = 1; count <= Pipeline::kAhead; ++count) {
        std::vector<Octets> queries;
        for (std::size_t i = 0; i < count; ++i) {
            queries.push_back(kinds[i * count % kinds.size()]);
        }
        const std::vector<zones::Octets> messages(queries.begin(), queries.end());
        rig.pipeline().expect(messages, rig.route());
        std::vector<Octets> replies;
        for (std::size_t i = 0; i < count; ++i) {
            Octets out(zones::kUdpSize);
            out.resize(rig.pipeline().handle_expected(i, {}, rig.route(), out).size);
            replies.push_back(out);
        }
        for (std::size_t i = 0; i < count; ++i) {
            CAPTURE(count);
            CAPTURE(i);
            rig.handle(queries[i]);
            CHECK(replies[i] == Octets(rig.reply().begin(), rig.reply().end()));
        }
    }
}

// The records of `any`, `chaos`, `local` and `whoami`, and which questions they leave to others.
#include "server/fixed_answers.h"

#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"
#include "zones/cluster_zone.h"

namespace server {
namespace {

using namespace zones::qtype;
using testing::Asked;
using testing::in_chaos;
using testing::kMx;
using testing::Texts;
constexpr const char* kSoaData = " 604800 IN SOA localhost. root.localhost. 1 0 0 0 604800";

/// Asks one of them alone: "(next)" or the rcode, then the sections with `|` between.
std::string answer(const FixedAnswers& plugins, const Asked& asked, std::uint32_t random = 0) {
    const testing::Octets message = testing::make_query(asked);
    zones::Query query;
    REQUIRE(zones::parse_query(message, query) == zones::Verdict::Ask);
    std::vector<std::uint8_t> buffer(4096);
    zones::MessageWriter out(buffer);
    out.begin(query, buffer.size());
    const auto made = answer_fixed(plugins, query, random, out);
    const std::size_t size = out.finish(made ? made->rcode : zones::Rcode::NoError, 0, 0);
    const auto reply = testing::read_reply({buffer.data(), size});
    if (!made) {
        REQUIRE(reply.answer.size() + reply.authority.size() == 0);
        return "(next)";
    }
    const Author author = plugins.any ? Author::Any : plugins.chaos ? Author::Chaos : Author::Local;
    CHECK(made->author == author);
    std::string text = reply.rcode;
    for (const Texts& section : {reply.answer, reply.authority, reply.additional}) {
        text += "|";
        for (const std::string& record : section) {
            text += (text.back() == '|' ? "" : ", ") + record;
        }
    }
    return text;
}

FixedAnswers chaos() {
    FixedAnswers made;
    made.chaos = ChaosConfig{"Herald-1", {"ann", "bob"}, "host-7"};
    return made;
}

FixedAnswers local(bool prefix = true) {
    FixedAnswers made;
    made.local = LocalConfig{prefix};
    return made;
}

FixedAnswers any() {
    FixedAnswers made;
    made.any = true;
    return made;
}

TEST_CASE("any: a HINFO record for every name") {
    CHECK(answer(any(), {.name = "Web.test", .type = kAny}) ==
          "NOERROR|Web.test. 8482 IN HINFO \"ANY obsoleted\" \"See RFC 8482\"||");
    CHECK(answer(any(), {.name = "web.test", .type = kHinfo}) == "(next)");
    CHECK(answer(any(), {.name = "web.test", .type = kAny, .qclass = 3}) == "(next)");
    CHECK(answer({}, {.name = "web.test", .type = kAny}) == "(next)");
}

TEST_CASE("chaos: what the server says of itself") {
    const auto text = [](const std::string& name, const std::string& value) {
        return "NOERROR|" + name + " 0 CH TXT \"" + value + "\"||";
    };
    CHECK(answer(chaos(), in_chaos("version.bind")) == text("version.bind.", "Herald-1"));
    CHECK(answer(chaos(), in_chaos("VERSION.server")) == text("VERSION.server.", "Herald-1"));
    CHECK(answer(chaos(), in_chaos("hostname.bind")) == text("hostname.bind.", "host-7"));
    CHECK(answer(chaos(), in_chaos("id.server")) == text("id.server.", "host-7"));
    const std::string ann = "authors.bind. 0 CH TXT \"ann\"";
    const std::string bob = "authors.bind. 0 CH TXT \"bob\"";
    CHECK(answer(chaos(), in_chaos("authors.bind"), 0) == "NOERROR|" + ann + ", " + bob + "||");
    CHECK(answer(chaos(), in_chaos("authors.bind"), 1) == "NOERROR|" + bob + ", " + ann + "||");
}

TEST_CASE("chaos: other questions are for other plugins") {
    for (const char* name : {"bind", "x.version.bind", "version.bind.test", "server", "."}) {
        CAPTURE(name);
        CHECK(answer(chaos(), in_chaos(name)) == "(next)");
    }
    CHECK(answer(chaos(), in_chaos("version.bind", 1)) == "(next)");
    CHECK(answer(chaos(), in_chaos("version.bind", kAny)) == "(next)");
    CHECK(answer(chaos(), {.name = "version.bind", .type = kTxt}) == "(next)");
}

TEST_CASE("local: localhost, and what is below it") {
    const auto a = [](const std::string& name) {
        return "NOERROR|" + name + " 604800 IN A 127.0.0.1||";
    };
    for (const char* name : {"localhost.", "LocalHost.", "web.localhost.", "localhost.example.org.",
                             "localhost.127.in-addr.arpa."}) {
        CAPTURE(name);
        const std::string owner(name);
        CHECK(answer(local(), {.name = owner}) == a(owner));
        CHECK(answer(local(), {.name = owner, .type = 28}) ==
              "NOERROR|" + owner + " 604800 IN AAAA ::1||");
        CHECK(answer(local(), {.name = owner, .type = kMx}) ==
              "NOERROR||" + owner + kSoaData + "|");
    }
    CHECK(answer(local(), {.name = "localhost", .type = kSoa}) ==
          "NOERROR|localhost." + std::string(kSoaData) + "||");
    CHECK(answer(local(), {.name = "localhost", .type = kNs}) ==
          "NOERROR|localhost. 604800 IN NS localhost.||");
    CHECK(answer(local(), {.name = "web.localhost", .type = kSoa}) ==
          "NOERROR||web.localhost." + std::string(kSoaData) + "|");
}

TEST_CASE("local: reverse zones that are nobody's") {
    CHECK(answer(local(), {.name = "1.0.0.127.IN-addr.arpa", .type = kPtr}) ==
          "NOERROR|1.0.0.127.IN-addr.arpa. 604800 IN PTR localhost.||");
    CHECK(answer(local(), {.name = "1.0.0.127.in-addr.arpa"}) ==
          "NOERROR||127.in-addr.arpa." + std::string(kSoaData) + "|");
    CHECK(answer(local(), {.name = "2.0.0.127.in-addr.Arpa", .type = kPtr}) ==
          "NXDOMAIN||127.in-addr.Arpa." + std::string(kSoaData) + "|");
    for (const char* zone : {"0.in-addr.arpa.", "127.in-addr.arpa.", "255.in-addr.arpa."}) {
        CAPTURE(zone);
        CHECK(answer(local(), {.name = zone}) == "NOERROR||" + std::string(zone) + kSoaData + "|");
        CHECK(answer(local(), {.name = zone, .type = kSoa}) ==
              "NOERROR|" + std::string(zone) + kSoaData + "||");
        CHECK(answer(local(), {.name = zone, .type = kNs}) ==
              "NOERROR|" + std::string(zone) + " 604800 IN NS localhost.||");
        CHECK(answer(local(), {.name = "1.2." + std::string(zone)}) ==
              "NXDOMAIN||" + std::string(zone) + kSoaData + "|");
    }
}

TEST_CASE("local: everything else is for other plugins") {
    for (const char* name : {".", "example.org", "localhosts", "notlocalhost.test",
                             "web.localhost.test", "1.0.0.10.in-addr.arpa", "in-addr.arpa", "arpa",
                             "127.ip6.arpa", "127.in-addr.arpa.test"}) {
        CAPTURE(name);
        CHECK(answer(local(), {.name = name}) == "(next)");
    }
    CHECK(answer(local(false), {.name = "localhost.example.org"}) == "(next)");
    CHECK(answer(local(false), {.name = "web.localhost"}).starts_with("NOERROR|web.localhost."));
    CHECK(answer(local(), {.name = "localhost", .qclass = 3}) == "(next)");
}

TEST_CASE("local comes before any") {
    const testing::Octets message = testing::make_query({.name = "localhost", .type = kAny});
    FixedAnswers both = local();
    both.any = true;
    CHECK(answer(both, {.name = "web.test", .type = kAny}).starts_with("NOERROR|web.test. 8482"));
    zones::Query query;
    REQUIRE(zones::parse_query(message, query) == zones::Verdict::Ask);
    std::vector<std::uint8_t> buffer(4096);
    zones::MessageWriter out(buffer);
    out.begin(query, buffer.size());
    CHECK(answer_fixed(both, query, 0, out)->author == Author::Local);
    CHECK(out.count(zones::Section::Authority) == 1);
}

Texts whoami(const std::string& name, Client client, std::uint16_t port) {
    client.peer.v4.sin_port = htons(port);  // where v6 has it too
    const testing::Octets message = testing::make_query({.name = name, .edns = true});
    zones::Query query;
    REQUIRE(zones::parse_query(message, query) == zones::Verdict::Ask);
    std::vector<std::uint8_t> buffer(4096);
    zones::MessageWriter out(buffer);
    out.begin(query, buffer.size());
    answer_whoami(query, client, out);
    return testing::read_reply({buffer.data(), out.finish(zones::Rcode::NoError, 0, 0)}).additional;
}

TEST_CASE("whoami: the client's address, port and protocol") {
    using testing::client_at;
    CHECK(whoami("Who.test", client_at("10.1.2.3"), 40001) ==
          Texts{"Who.test. 0 IN A 10.1.2.3", "_udp.Who.test. 0 IN SRV 0 0 40001 ."});
    CHECK(whoami("who.test", client_at("fd00::7", true), 7) ==
          Texts{"who.test. 0 IN AAAA fd00::7", "_tcp.who.test. 0 IN SRV 0 0 7 ."});
    CHECK(whoami(".", client_at("10.1.2.3"), 53) ==
          Texts{". 0 IN A 10.1.2.3", "_udp. 0 IN SRV 0 0 53 ."});
}

TEST_CASE("whoami: no name is made longer than names may be") {
    std::string name;
    for (int i = 0; i < 3; ++i) {
        name += std::string(62, 'a') + ".";
    }
    name += std::string(59, 'b');  // 250 octets: with "_udp" it is 255
    CHECK(whoami(name, testing::client_at("10.1.2.3"), 53).size() == 2);
    CHECK(whoami(name + "c", testing::client_at("10.1.2.3"), 53).size() == 1);
}

}  // namespace
}  // namespace server

#include "server/acl.h"

#include <arpa/inet.h>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"

namespace server {
namespace {

using Action = AclRule::Action;

Client client_of(const std::string& address) {
    Client client;
    if (address.find(':') != std::string::npos) {
        client.peer.v6 = {};
        client.peer.v6.sin6_family = AF_INET6;
        REQUIRE(inet_pton(AF_INET6, address.c_str(), &client.peer.v6.sin6_addr) == 1);
    } else {
        client.peer.v4 = {};
        client.peer.v4.sin_family = AF_INET;
        REQUIRE(inet_pton(AF_INET, address.c_str(), &client.peer.v4.sin_addr) == 1);
    }
    return client;
}

/// The `acl` lines of a block for all names.
AccessList list_of(const std::string& lines) {
    return AccessList(testing::load(". {\n" + lines + "\n}").blocks.at(0).acl);
}

Action decide(const AccessList& list, const std::string& client, const std::string& name = "a.",
              std::uint16_t type = 1) {
    zones::LoweredName lowered;
    lowered.assign(zones::Name::parse(name)->wire());
    return list.decide(lowered, type, client_of(client));
}

TEST_CASE("acl: no line, and lines without rules, allow all") {
    CHECK(decide(AccessList({}), "192.0.2.1") == Action::Allow);
    CHECK(decide(list_of("acl"), "192.0.2.1") == Action::Allow);
    CHECK(decide(list_of("acl {\n}"), "2001:db8::1") == Action::Allow);
}

TEST_CASE("acl: each action") {
    CHECK(decide(list_of("acl {\nallow\n}"), "192.0.2.1") == Action::Allow);
    CHECK(decide(list_of("acl {\nblock\n}"), "192.0.2.1") == Action::Block);
    CHECK(decide(list_of("acl {\nfilter\n}"), "192.0.2.1") == Action::Filter);
    CHECK(decide(list_of("acl {\ndrop\n}"), "2001:db8::1") == Action::Drop);
}

TEST_CASE("acl: clients by network, of either family") {
    const auto list =
        list_of("acl {\nblock net 192.0.2.128/25 10.1.2.3/8 198.51.100.7 2001:db8::/33 ::1\n}");
    for (const std::string client :
         {"192.0.2.128", "192.0.2.255", "10.0.0.0", "10.255.255.255", "198.51.100.7",
          "2001:db8::", "2001:db8:7fff::1", "::1", "::ffff:10.9.9.9"}) {
        CAPTURE(client);
        CHECK(decide(list, client) == Action::Block);
    }
    for (const std::string client :
         {"192.0.2.127", "192.0.3.0", "9.255.255.255", "11.0.0.0", "198.51.100.6", "198.51.100.8",
          "0.0.0.0", "255.255.255.255", "2001:db7:ffff::", "2001:db8:8000::", "::", "::2",
          "::ffff:11.9.9.9", "::10.9.9.9"}) {
        CAPTURE(client);
        CHECK(decide(list, client) == Action::Allow);
    }
}

TEST_CASE("acl: the whole of a family, and of both") {
    CHECK(decide(list_of("acl {\nblock net 0.0.0.0/0\n}"), "255.255.255.255") == Action::Block);
    CHECK(decide(list_of("acl {\nblock net 0.0.0.0/0\n}"), "::1") == Action::Allow);
    CHECK(decide(list_of("acl {\nblock net ::/0\n}"), "0.0.0.0") == Action::Allow);
    CHECK(decide(list_of("acl {\nblock net ::/0\n}"), "ffff::") == Action::Block);
    CHECK(decide(list_of("acl {\nblock net ::/0\n}"), "::ffff:192.0.2.1") == Action::Allow);
    CHECK(decide(list_of("acl {\nblock net ::ffff:10.0.0.0/104\n}"), "10.1.1.1") == Action::Block);
    for (const std::string client : {"192.0.2.1", "2001:db8::1"}) {
        CHECK(decide(list_of("acl {\nblock net *\n}"), client) == Action::Block);
        CHECK(decide(list_of("acl {\nblock net 10.0.0.1 *\n}"), client) == Action::Block);
    }
}

TEST_CASE("acl: types, alone and with networks") {
    const auto list = list_of("acl {\nfilter type HTTPS txt TYPE65280\nblock type AAAA net ::1\n}");
    CHECK(decide(list, "::1", "a.", 65) == Action::Filter);
    CHECK(decide(list, "::1", "a.", 16) == Action::Filter);
    CHECK(decide(list, "::1", "a.", 65280) == Action::Filter);
    CHECK(decide(list, "::1", "a.", 28) == Action::Block);
    CHECK(decide(list, "::2", "a.", 28) == Action::Allow);
    CHECK(decide(list, "::1", "a.", 1) == Action::Allow);
    CHECK(decide(list_of("acl {\ndrop type A *\n}"), "::1", "a.", 255) == Action::Drop);
    const auto sections = list_of("acl {\ndrop net 10.0.0.1 type A net 10.0.0.2 type MX\n}");
    CHECK(decide(sections, "10.0.0.1", "a.", 15) == Action::Drop);
    CHECK(decide(sections, "10.0.0.2", "a.", 1) == Action::Drop);
    CHECK(decide(sections, "10.0.0.2", "a.", 2) == Action::Allow);
}

TEST_CASE("acl: the first rule that matches decides") {
    const auto list = list_of("acl {\nallow net 10.1.0.0/16\ndrop net 10.1.2.0/24\nblock\n}");
    CHECK(decide(list, "10.1.2.3") == Action::Allow);
    CHECK(decide(list, "10.2.2.3") == Action::Block);
}

TEST_CASE("acl: a stanza is for its zones, and only one without a match leaves it to the next") {
    const auto list = list_of(
        "acl a.test b.test {\nallow net 10.0.0.1\nblock net 10.0.0.2\n}\n"
        "acl test {\nfilter net 10.0.0.1 10.0.0.2 10.0.0.3\n}\n"
        "acl {\ndrop net 10.0.0.4\n}");
    CHECK(decide(list, "10.0.0.1", "x.A.test.") == Action::Allow);  // allow ends it
    CHECK(decide(list, "10.0.0.2", "b.test.") == Action::Block);
    CHECK(decide(list, "10.0.0.3", "b.test.") == Action::Filter);
    CHECK(decide(list, "10.0.0.4", "b.test.") == Action::Drop);
    CHECK(decide(list, "10.0.0.5", "b.test.") == Action::Allow);
    CHECK(decide(list, "10.0.0.1", "c.test.") == Action::Filter);
    CHECK(decide(list, "10.0.0.1", "other.") == Action::Allow);
    CHECK(decide(list, "10.0.0.4", "other.") == Action::Drop);
}

TEST_CASE("acl: a client whose address is of no known family is blocked where a stanza applies") {
    Client client;
    client.peer.any = {};
    client.peer.any.sa_family = AF_UNIX;
    zones::LoweredName name;
    name.assign(zones::Name::parse("a.test")->wire());
    CHECK(list_of("acl {\nallow\n}").decide(name, 1, client) == Action::Block);
    CHECK(list_of("acl other {\nblock\n}").decide(name, 1, client) == Action::Allow);
}

TEST_CASE("acl: many networks, nested and beside each other, as one by one") {
    std::mt19937 random(20260702);
    for (unsigned round = 0; round < 200; ++round) {
        AclConfig config;
        config.rules.emplace_back();
        auto& nets = config.rules[0].nets;
        for (unsigned i = 0; i < 12; ++i) {
            const zones::Ipv4 first{{10, 0, static_cast<std::uint8_t>(random() % 4),
                                     static_cast<std::uint8_t>(random() % 256)}};
            nets.push_back({first, static_cast<unsigned>(18 + random() % 15)});
        }
        const AccessList list({config});
        for (unsigned i = 0; i < 200; ++i) {
            const auto low = static_cast<unsigned>(random() % 1280);
            const std::uint32_t asked = 10U << 24 | low;
            bool inside = false;
            for (const Net& net : nets) {
                const std::uint32_t first =
                    zones::read_u32(std::get<zones::Ipv4>(net.first).octets.data());
                inside = inside || (asked >> (32 - net.bits)) == (first >> (32 - net.bits));
            }
            const std::string text =
                "10.0." + std::to_string(low / 256) + '.' + std::to_string(low % 256);
            CHECK((decide(list, text) == Action::Block) == inside);
        }
    }
}

}  // namespace
}  // namespace server

#include "zones/hosts_table.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace zones;
using namespace std::string_literals;

namespace {

using Texts = std::vector<std::string>;

ZoneTable zones_of(std::initializer_list<const char*> names) {
    ZoneTable table;
    for (const char* name : names) {
        REQUIRE(table.add(*Name::parse(name), 0));
    }
    return table;
}

HostsTable parse(std::initializer_list<std::string_view> texts, const ZoneTable& zones,
                 bool reverse = true) {
    return HostsTable(texts, {zones, reverse, {1, 2}});
}

HostsTable parse(std::string_view text) {
    return parse({text}, zones_of({"."}));
}

/// The addresses of a name, those of IPv4 first; {"none"} if it is not there.
Texts find(const HostsTable& table, const std::string& name) {
    LoweredName lowered;
    lowered.assign(Name::parse(name)->wire());
    const auto found = table.find(lowered);
    if (!found) {
        return {"none"};
    }
    Texts texts;
    for (const Ipv4& address : found->v4) {
        texts.push_back(to_string(address));
    }
    for (const Ipv6& address : found->v6) {
        texts.push_back(to_string(address));
    }
    return texts;
}

Texts names_of(const HostsTable& table, const std::string& address) {
    Texts texts;
    for (const std::uint32_t index : table.names_of(*parse_address(address))) {
        texts.push_back(to_string(table.name(index)));
    }
    return texts;
}

}  // namespace

TEST_CASE("an empty table has nothing") {
    for (const HostsTable& table : {HostsTable(), parse(""), parse("\n\n"), parse("# 1.2.3.4 a")}) {
        CHECK(find(table, "a") == Texts{"none"});
        CHECK(find(table, ".") == Texts{"none"});
        CHECK(names_of(table, "1.2.3.4").empty());
        CHECK(names_of(table, "::1").empty());
    }
}

TEST_CASE("lines: an address, then names; both families; names in any case, with a dot or not") {
    const auto table = parse(
        "127.0.0.1 localhost localhost.domain\n"
        "::1\tlocalhost  LOCALHOST.domain.\t\r\n"
        "10.0.0.1 Example.ORG\n"
        "::FFFF:10.0.0.2 example.com\n"
        "10.0.0.3 last");
    CHECK(find(table, "localhost.") == Texts{"127.0.0.1", "::1"});
    CHECK(find(table, "LocalHost.Domain") == Texts{"127.0.0.1", "::1"});
    CHECK(find(table, "example.org") == Texts{"10.0.0.1"});
    CHECK(find(table, "example.com") == Texts{"10.0.0.2"});
    CHECK(find(table, "last") == Texts{"10.0.0.3"});
    CHECK(find(table, "domain") == Texts{"none"});
    CHECK(find(table, "a.last") == Texts{"none"});
    CHECK(names_of(table, "127.0.0.1") == Texts{"localhost.", "localhost.domain."});
    CHECK(names_of(table, "::1") == Texts{"localhost.", "localhost.domain."});
    CHECK(names_of(table, "10.0.0.1") == Texts{"example.org."});
    CHECK(names_of(table, "10.0.0.2") == Texts{"example.com."});
    CHECK(names_of(table, "::ffff:10.0.0.2") == Texts{"example.com."});
    CHECK(names_of(table, "10.0.0.4").empty());
}

TEST_CASE("comments and zone indexes are cut off; what is no line of hosts(5) is passed over") {
    const auto table = parse(
        "# 10.0.0.1 a\n"
        "10.0.0.2 b # c\n"
        "10.0.0.3 d#e\n"
        "fe80::1%eth0 f\n"
        "10.0.0.4%x g\n"
        "not-an-address h\n"
        "010.0.0.5 i\n"
        "10.0.0.6\n"
        "10.0.0.7#j\n"
        "10.0.0.8 a..b k .l \\300 m\n"
        "%eth0 n\n");
    CHECK(find(table, "a") == Texts{"none"});
    CHECK(find(table, "b") == Texts{"10.0.0.2"});
    CHECK(find(table, "c") == Texts{"none"});
    CHECK(find(table, "d") == Texts{"10.0.0.3"});
    CHECK(find(table, "e") == Texts{"none"});
    CHECK(find(table, "f") == Texts{"fe80::1"});
    CHECK(find(table, "g") == Texts{"10.0.0.4"});
    for (const std::string name : {"h", "i", "j", "l", "n", "not-an-address"}) {
        CAPTURE(name);
        CHECK(find(table, name) == Texts{"none"});
    }
    CHECK(find(table, "k") == Texts{"10.0.0.8"});
    CHECK(find(table, "m") == Texts{"10.0.0.8"});
}

TEST_CASE("all lines of a name count, text after text, each address and name once") {
    const auto table = parse({"10.0.0.9 a b a\n10.0.0.1 a\nfd00::9 a\nfd00::1 a\n10.0.0.9 a c\n",
                              "10.0.0.5 a\n10.0.0.1 a\nfd00::9 a\n10.0.0.9 b d\n"},
                             zones_of({"."}));
    CHECK(find(table, "a") == Texts{"10.0.0.9", "10.0.0.1", "10.0.0.5", "fd00::9", "fd00::1"});
    CHECK(find(table, "b") == Texts{"10.0.0.9"});
    CHECK(names_of(table, "10.0.0.9") == Texts{"a.", "b.", "c.", "d."});
    CHECK(names_of(table, "fd00::9") == Texts{"a."});
}

TEST_CASE("a wildcard stands for one label, in front of no exact name, and has no PTR") {
    const auto table = parse(
        "10.0.0.1 *.example.org\n"
        "10.0.0.2 a.example.org\n"
        "fd00::1 *.example.org\n"
        "10.0.0.3 *.b.example.org x*.example.net *\n");
    CHECK(find(table, "any.example.org") == Texts{"10.0.0.1", "fd00::1"});
    CHECK(find(table, "*.example.org") == Texts{"10.0.0.1", "fd00::1"});
    CHECK(find(table, "a.example.org") == Texts{"10.0.0.2"});
    CHECK(find(table, "example.org") == Texts{"none"});
    CHECK(find(table, "deep.any.example.org") == Texts{"none"});
    CHECK(find(table, "any.b.example.org") == Texts{"10.0.0.3"});
    CHECK(find(table, "b.example.org") == Texts{"10.0.0.1", "fd00::1"});
    CHECK(find(table, "xy.example.net") == Texts{"none"});
    CHECK(find(table, "org") == Texts{"10.0.0.3"});
    CHECK(find(table, ".") == Texts{"none"});
    CHECK(names_of(table, "10.0.0.1").empty());
    CHECK(names_of(table, "10.0.0.2") == Texts{"a.example.org."});
    CHECK(names_of(table, "10.0.0.3") == Texts{"x*.example.net."});
}

TEST_CASE("the longest names that can be asked under a wildcard") {
    const std::string label(63, 'a');
    const std::string parent = label + '.' + label + '.' + label;
    const auto table = parse("10.0.0.1 *." + parent + ".b");
    CHECK(find(table, std::string(59, 'c') + '.' + parent + ".b") == Texts{"10.0.0.1"});
    CHECK(find(table, "c." + parent + ".b") == Texts{"10.0.0.1"});
}

TEST_CASE("names in no zone are left out, with their PTR") {
    const auto table = parse({"10.0.0.1 a.example.org b.example.net example.org *.example.org\n"},
                             zones_of({"example.org"}));
    CHECK(find(table, "a.example.org") == Texts{"10.0.0.1"});
    CHECK(find(table, "z.example.org") == Texts{"10.0.0.1"});
    CHECK(find(table, "b.example.net") == Texts{"none"});
    CHECK(names_of(table, "10.0.0.1") == Texts{"a.example.org.", "example.org."});
}

TEST_CASE("without reverse there are no names of addresses") {
    const auto table = parse({"10.0.0.1 a\nfd00::1 a\n"}, zones_of({"."}), false);
    CHECK(find(table, "a") == Texts{"10.0.0.1", "fd00::1"});
    CHECK(names_of(table, "10.0.0.1").empty());
    CHECK(names_of(table, "fd00::1").empty());
}

TEST_CASE("100,000 lines: all are found, in less than 100 octets each") {
    constexpr unsigned kLines = 100000;
    std::string text;
    for (unsigned i = 0; i < kLines; ++i) {
        const std::string low = std::to_string(i / 256 % 256) + '.' + std::to_string(i % 256);
        text +=
            (i % 2 == 0 ? "10." + std::to_string(i / 65536) + '.' + low
                        : "fd00::" + std::to_string(i % 10000) + ':' + std::to_string(i / 10000)) +
            " host-" + std::to_string(i) + ".ads.example.org\n";
    }
    const auto table = parse(text);
    std::size_t found = 0;
    for (unsigned i = 0; i < kLines; ++i) {
        const std::string name = "host-" + std::to_string(i) + ".ads.example.org.";
        const Texts addresses = find(table, name);
        found += addresses.size() == 1 && addresses[0] != "none" &&
                         names_of(table, addresses[0]) == Texts{name}
                     ? 1
                     : 0;
        CHECK(find(table, "x" + name) == Texts{"none"});
    }
    CHECK(found == kLines);
    CHECK(table.memory() < 100 * kLines);
}

TEST_CASE("one name with 50,000 addresses, one address with 50,000 names") {
    std::string text;
    for (unsigned i = 0; i < 50000; ++i) {
        const std::string number = std::to_string(i);
        text += "10.0." + std::to_string(i / 256) + '.' + std::to_string(i % 256) + " many\n";
        text += "192.0.2.1 n" + number + " n" + number + '\n';
    }
    const auto table = parse(text + text);
    CHECK(find(table, "many").size() == 50000);
    CHECK(table.names_of(*parse_address("192.0.2.1")).size() == 50000);
}

TEST_CASE("odd octets do no harm") {
    std::mt19937 random(20260701);
    std::vector<std::string> pieces = {"10.0.0.1",
                                       "::1",
                                       " ",
                                       "\n",
                                       "\0"s,
                                       "\r",
                                       "#",
                                       "%",
                                       "\\",
                                       "\\0",
                                       "\\999",
                                       "*",
                                       ".",
                                       "a",
                                       std::string(64, 'a'),
                                       std::string(300, 'b'),
                                       "\xff",
                                       "\t",
                                       "*.",
                                       "a.b",
                                       "\xef\xbb\xbf"};
    for (unsigned round = 0; round < 2000; ++round) {
        std::string text;
        for (unsigned i = 0; i < 40; ++i) {
            text += pieces[random() % pieces.size()];
        }
        const auto table = parse(text);
        for (const std::string address : {"10.0.0.1", "::1"}) {
            for (const std::uint32_t index : table.names_of(*parse_address(address))) {
                const auto name = Name::from_wire(table.name(index));
                REQUIRE(name);
                const Texts addresses = find(table, name->to_string());
                CHECK(std::find(addresses.begin(), addresses.end(), address) != addresses.end());
            }
        }
    }
}

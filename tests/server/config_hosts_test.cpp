#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"

namespace server {
namespace {

using std::chrono::milliseconds;
using testing::error_in_block;
using testing::error_of;
using testing::Texts;

HostsConfig hosts_of(const std::string& directive, const std::filesystem::path& folder = "/etc/x") {
    return *testing::load("a.test b.test 10.0.0.0/15 {\n" + directive + "\n}", folder)
                .blocks.at(0)
                .hosts;
}

HostsConfig hosts_with(const std::string& lines) {
    return hosts_of("hosts {\n" + lines + "\n}");
}

/// The error of one line, which stands on line 3.
std::string hosts_error_in(const std::string& line) {
    return error_in_block("hosts {\n" + line + "\n}");
}

AclConfig acl_of(const std::string& directive) {
    return testing::load(". {\n" + directive + "\n}").blocks.at(0).acl.at(0);
}

std::string acl_error_in(const std::string& line) {
    return error_in_block("acl {\n" + line + "\n}");
}

Texts texts_of(const std::vector<zones::Name>& names) {
    Texts texts;
    for (const zones::Name& name : names) {
        texts.push_back(name.to_string());
    }
    return texts;
}

Texts nets_of(const AclConfig& config) {
    Texts texts;
    for (const Net& net : config.rules.at(0).nets) {
        texts.push_back(to_string(net.first) + "/" + std::to_string(net.bits));
    }
    return texts;
}

const Texts kBlockZones{"a.test.", "b.test.", "0.10.in-addr.arpa.", "1.10.in-addr.arpa."};

TEST_CASE("hosts: defaults") {
    const HostsConfig config = hosts_of("hosts");
    CHECK(config.file == "/etc/hosts");
    CHECK(texts_of(config.zones) == kBlockZones);
    CHECK(config.inline_lines.empty());
    CHECK(config.ttl == 3600);
    CHECK(config.reverse);
    CHECK(config.reload == milliseconds(5000));
    CHECK_FALSE(config.has_fallthrough);
    CHECK_FALSE(config.fallthrough_unsupported);
}

TEST_CASE("hosts: file and zones") {
    CHECK(hosts_of("hosts example.hosts").file == "/etc/x/example.hosts");
    CHECK(hosts_of("hosts /a/b").file == "/a/b");
    CHECK(texts_of(hosts_of("hosts /a/b").zones) == kBlockZones);
    const HostsConfig config = hosts_of("hosts sub/f C.test 192.0.2.0/24 {\nfallthrough\n}");
    CHECK(config.file == "/etc/x/sub/f");
    CHECK(texts_of(config.zones) == Texts{"c.test.", "2.0.192.in-addr.arpa."});
    CHECK(error_in_block("hosts \"\"").find("Corefile:2: the file of hosts has no name") == 0);
}

TEST_CASE("hosts: options") {
    CHECK(hosts_with("ttl 1").ttl == 1);
    CHECK(hosts_with("ttl 65535").ttl == 65535);
    CHECK_FALSE(hosts_with("no_reverse").reverse);
    CHECK(hosts_with("reload 15s").reload == milliseconds(15000));
    CHECK(hosts_with("reload 0").reload == milliseconds(0));
    CHECK(hosts_with("reload 1us").reload == milliseconds(1));
    CHECK(hosts_with("reload 2000000h").reload == std::chrono::hours(24 * 365));
    CHECK(hosts_with("fallthrough").has_fallthrough);
    CHECK(hosts_with("fallthrough").fallthrough_zones.empty());
    CHECK(texts_of(hosts_with("fallthrough X.test 10.0.0.0/8").fallthrough_zones) ==
          Texts{"x.test.", "10.in-addr.arpa."});
    CHECK(hosts_with("fallthrough_unsupported\nfallthrough").fallthrough_unsupported);
}

TEST_CASE("hosts: lines of addresses in the Corefile, beside the default file") {
    const HostsConfig config = hosts_with(
        "192.168.49.1 host.minikube.internal # a comment\n"
        "fe80::1%eth0 A.test *.b.test\n"
        "10.0.0.1\n"
        "ttl 5\n"
        "10.0.0.2 later\n"
        "fallthrough\nttl 6");
    CHECK(config.file == "/etc/hosts");
    CHECK(config.inline_lines ==
          "192.168.49.1 host.minikube.internal\nfe80::1%eth0 A.test *.b.test\n10.0.0.1\n"
          "10.0.0.2 later\n");
    CHECK(config.has_fallthrough);
    CHECK(config.ttl == 6);
}

TEST_CASE("hosts: what it refuses") {
    CHECK(hosts_error_in("foo bar") ==
          "Corefile:3: neither an address nor a property of hosts: read 'foo'; known: ADDRESS "
          "NAME..., fallthrough, fallthrough_unsupported, no_reverse, reload, ttl");
    CHECK(hosts_error_in("10.0.0.256 a").find("Corefile:3: neither an address nor") == 0);
    CHECK(hosts_error_in("10.0.0.1 a..b") == "Corefile:3: not a domain name: read 'a..b'");
    CHECK(hosts_error_in("fallthrough\n10.0.0.1 a") ==
          "Corefile:4: the addresses of hosts must stand before fallthrough: read '10.0.0.1 a'");
    CHECK(hosts_error_in("ttl").find("Corefile:3: ttl takes 1 argument") == 0);
    for (const std::string value : {"0", "65536", "-1", "x", "5s"}) {
        CHECK(hosts_error_in("ttl " + value) ==
              "Corefile:3: ttl needs a whole number from 1 to 65535: read '" + value + "'");
    }
    CHECK(hosts_error_in("reload").find("Corefile:3: reload takes 1 argument") == 0);
    CHECK(hosts_error_in("reload -1s").find("Corefile:3: reload needs a duration") == 0);
    CHECK(hosts_error_in("reload 15").find("Corefile:3: reload needs a duration") == 0);
    CHECK(hosts_error_in("no_reverse yes").find("Corefile:3: no_reverse takes ") == 0);
    CHECK(hosts_error_in("fallthrough_unsupported") ==
          "Corefile:2: fallthrough_unsupported needs fallthrough: read 'hosts'");
    CHECK(hosts_error_in("fallthrough a..b").find("Corefile:3: not a domain name") == 0);
    CHECK(hosts_error_in("10.0.0.1 a {\nb\n}").find("Corefile:3: ") == 0);
    CHECK(error_of(". {\nhosts\nhosts\n}").find("can only be used once") != std::string::npos);
}

TEST_CASE("acl: zones and rules") {
    CHECK(acl_of("acl").zones.empty());
    CHECK(acl_of("acl").rules.empty());
    CHECK(acl_of("acl {\n}").rules.empty());
    CHECK(texts_of(acl_of("acl A.test 10.0.0.0/8").zones) == Texts{"a.test.", "10.in-addr.arpa."});
    const AclConfig config =
        acl_of("acl {\nAllow\nblock TYPE a aaaa NET 10.0.0.0/8\nfilter\ndrop\n}");
    REQUIRE(config.rules.size() == 4);
    CHECK(config.rules[0].action == AclRule::Action::Allow);
    CHECK(config.rules[1].action == AclRule::Action::Block);
    CHECK(config.rules[2].action == AclRule::Action::Filter);
    CHECK(config.rules[3].action == AclRule::Action::Drop);
    CHECK(config.rules[0].types.empty());
    CHECK(config.rules[0].nets.empty());
    CHECK(config.rules[1].types == std::vector<std::uint16_t>{1, 28});
    const Config both = testing::load(". {\nacl a\nacl b\n}");
    CHECK(both.blocks.at(0).acl.size() == 2);
}

TEST_CASE("acl: types by their mnemonics, and by number") {
    struct Case {
        const char* text;
        std::uint16_t number;
    };
    for (const Case& known : std::vector<Case>{
             {"A", 1},       {"NS", 2},     {"CNAME", 5},        {"SOA", 6},    {"NULL", 10},
             {"PTR", 12},    {"HINFO", 13}, {"MX", 15},          {"TXT", 16},   {"AAAA", 28},
             {"LOC", 29},    {"SRV", 33},   {"NAPTR", 35},       {"DNAME", 39}, {"OPT", 41},
             {"DS", 43},     {"SSHFP", 44}, {"RRSIG", 46},       {"NSEC", 47},  {"DNSKEY", 48},
             {"NSEC3", 50},  {"TLSA", 52},  {"SMIMEA", 53},      {"CDS", 59},   {"CSYNC", 62},
             {"ZONEMD", 63}, {"SVCB", 64},  {"HTTPS", 65},       {"SPF", 99},   {"EUI48", 108},
             {"TSIG", 250},  {"IXFR", 251}, {"AXFR", 252},       {"ANY", 255},  {"URI", 256},
             {"CAA", 257},   {"any", 255},  {"TYPE65535", 65535}}) {
        CAPTURE(known.text);
        CHECK(acl_of("acl {\nblock type " + std::string(known.text) + "\n}").rules.at(0).types ==
              std::vector<std::uint16_t>{known.number});
    }
    CHECK(acl_of("acl {\nblock type * A\n}").rules.at(0).types.empty());
}

TEST_CASE("acl: networks") {
    CHECK(nets_of(acl_of("acl {\nblock net 10.1.2.3 10.0.0.0/8 2001:DB8::1 ::/0 0.0.0.0/0\n}")) ==
          Texts{"10.1.2.3/32", "10.0.0.0/8", "2001:db8::1/128", "::/0", "0.0.0.0/0"});
    CHECK(nets_of(acl_of("acl {\nblock net ::ffff:10.0.0.1 ::ffff:10.0.0.0/104\n}")) ==
          Texts{"10.0.0.1/32", "10.0.0.0/8"});
    CHECK(nets_of(acl_of("acl {\nblock net 10.0.0.1 net 10.0.0.2\n}")) ==
          Texts{"10.0.0.1/32", "10.0.0.2/32"});
    CHECK(nets_of(acl_of("acl {\nblock net 10.0.0.1 *\n}")).empty());
}

TEST_CASE("acl: what it refuses") {
    CHECK(acl_error_in("deny net *") ==
          "Corefile:3: unknown action of acl: read 'deny'; known: allow, block, drop, filter");
    CHECK(acl_error_in("block 10.0.0.1") ==
          "Corefile:3: unknown section of block: read '10.0.0.1'; known: net, type");
    CHECK(acl_error_in("block net") ==
          "Corefile:3: nothing stands in a section of block: read 'net'");
    CHECK(acl_error_in("block type net 10.0.0.1") ==
          "Corefile:3: nothing stands in a section of block: read 'type'");
    CHECK(
        acl_error_in("block type BOGUS").find("Corefile:3: not a type of record: read 'BOGUS'; ") ==
        0);
    CHECK(acl_error_in("block type A * BOGUS").find("Corefile:3: not a type") == 0);
    for (const std::string net :
         {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "10.0.0/8", "::/129", "a/8",
          "::ffff:10.0.0.0/95", "010.0.0.1", "fe80::1%eth0", "/8", "10.0.0.0/8/8",
          "10.0.0.0/99999999999999999999"}) {
        CHECK(acl_error_in("block net " + net) == "Corefile:3: not a network of acl: read '" + net +
                                                      "'; known: *, ADDRESS, ADDRESS/BITS");
    }
    CHECK(acl_error_in("block {\nnet *\n}").find("Corefile:3: ") == 0);
    CHECK(error_in_block("acl a..b").find("Corefile:2: not a domain name") == 0);
}

}  // namespace
}  // namespace server

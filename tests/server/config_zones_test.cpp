#include "server/config_zones.h"

#include <string>

#include <doctest/doctest.h>

#include "server/config_error.h"

namespace server {
namespace {

std::string zones_of(std::string_view text) {
    std::string out;
    try {
        const KeyZones key = read_key({"F", 7}, text);
        for (const zones::Name& zone : key.zones) {
            out += (out.empty() ? "" : " ") + zone.to_string();
        }
        return key.port ? out + " port " + std::to_string(*key.port) : out;
    } catch (const ConfigError& error) {
        return error.what();
    }
}

struct KeyCase {
    std::string_view text;
    std::string_view zones;
};

TEST_CASE("keys of server blocks") {
    const KeyCase cases[] = {
        {".", "."},
        {".:53", ". port 53"},
        {".:0", ". port 0"},
        {"Example.ORG", "example.org."},
        {"example.org.", "example.org."},
        {"example.org:1053", "example.org. port 1053"},
        {"dns://example.org:1053", "example.org. port 1053"},
        {"dns://.", "."},
        {"a:b", "a:b."},
        {":53", "F:7: not a domain name: read ''"},
        {"example..org", "F:7: not a domain name: read 'example..org'"},
        {"example.org:", "F:7: expected a port after the last ':': read 'example.org:'"},
        {"example.org:65536", "F:7: expected a port after the last ':': read 'example.org:65536'"},
        {".:-1", "F:7: expected a port after the last ':': read '.:-1'"},
    };
    for (const KeyCase& c : cases) {
        CAPTURE(c.text);
        CHECK(zones_of(c.text) == c.zones);
    }
    for (const std::string transport : {"tls", "grpc", "https", "https3", "quic", "foo"}) {
        CHECK(zones_of(transport + "://example.org") ==
              "F:7: this transport is not supported in this version: read '" + transport +
                  "://example.org'; known: dns://");
    }
}

TEST_CASE("networks in CIDR notation are reverse zones") {
    const KeyCase cases[] = {
        {"10.0.0.0/24", "0.0.10.in-addr.arpa."},
        {"10.0.0.0/24:1053", "0.0.10.in-addr.arpa. port 1053"},
        {"10.0.0.0/15", "0.10.in-addr.arpa. 1.10.in-addr.arpa."},
        {"10.0.0.0/8", "10.in-addr.arpa."},
        {"10.1.2.3/8", "10.in-addr.arpa."},
        {"192.168.7.99/30",
         "96.7.168.192.in-addr.arpa. 97.7.168.192.in-addr.arpa. 98.7.168.192.in-addr.arpa. "
         "99.7.168.192.in-addr.arpa."},
        {"192.0.2.1/32", "1.2.0.192.in-addr.arpa."},
        {"0.0.0.0/0", "in-addr.arpa."},
        {"2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa."},
        {"2001:db8::/32:53", "8.b.d.0.1.0.0.2.ip6.arpa. port 53"},
        {"2001:db8::/31", "8.b.d.0.1.0.0.2.ip6.arpa. 9.b.d.0.1.0.0.2.ip6.arpa."},
        {"2001:DB8::AF00/120",
         "f.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."},
        {"0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa."},
        {"10.0.0.0/33", "F:7: not a network in CIDR notation: read '10.0.0.0/33'"},
        {"10.0.0.0/-1", "F:7: not a network in CIDR notation: read '10.0.0.0/-1'"},
        {"10.0.0.0/", "F:7: not a network in CIDR notation: read '10.0.0.0/'"},
        {"10.0.0.0/x", "F:7: not a network in CIDR notation: read '10.0.0.0/x'"},
        {"2001:db8::/129", "F:7: not a network in CIDR notation: read '2001:db8::/129'"},
        {"::ffff:10.0.0.0/104", "F:7: not a network in CIDR notation: read '::ffff:10.0.0.0/104'"},
    };
    for (const KeyCase& c : cases) {
        CAPTURE(c.text);
        CHECK(zones_of(c.text) == c.zones);
    }
}

TEST_CASE("a network off the border is split up to the next one") {
    const auto zones = read_zones({"F", 1}, "192.168.1.0/25");
    REQUIRE(zones.size() == 128);
    CHECK(zones.front().to_string() == "0.1.168.192.in-addr.arpa.");
    CHECK(zones.back().to_string() == "127.1.168.192.in-addr.arpa.");
    CHECK(read_zones({"F", 1}, "2001:db8::/33").size() == 8);
    CHECK(read_zones({"F", 1}, "128.0.0.0/1").back().to_string() == "255.in-addr.arpa.");
}

TEST_CASE("reverse zones are told from others") {
    for (const char* text : {"in-addr.arpa", "10.IN-ADDR.arpa", "ip6.arpa", "8.ip6.arpa"}) {
        CAPTURE(text);
        CHECK(is_reverse(*zones::Name::parse(text)));
    }
    for (const char* text : {".", "arpa", "cluster.local", "xin-addr.arpa"}) {
        CAPTURE(text);
        CHECK(!is_reverse(*zones::Name::parse(text)));
    }
}

}  // namespace
}  // namespace server

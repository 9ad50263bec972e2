#include "zones/address.h"

#include <algorithm>
#include <random>
#include <string>

#include <doctest/doctest.h>

using namespace zones;

namespace {

std::string canonical(const std::string& text) {
    const auto address = parse_address(text);
    return address ? to_string(*address) : "none";
}

std::string of_label(const std::string& label) {
    const auto address = parse_address_label(label);
    return address ? to_string(*address) : "none";
}

/// "first/length" of a reverse name.
std::string reverse(const std::string& name) {
    const auto found = parse_reverse_name(Name::parse(name)->wire());
    return found ? to_string(found->first) + '/' + std::to_string(found->length) : "none";
}

std::string v6_reverse(const std::string& nibbles) {
    std::string name;
    for (const char c : nibbles) {
        name = std::string(1, c) + '.' + name;
    }
    return name + "ip6.arpa";
}

}  // namespace

TEST_CASE("addresses are read as Go reads them") {
    CHECK(canonical("10.0.0.1") == "10.0.0.1");
    CHECK(canonical("255.255.255.255") == "255.255.255.255");
    CHECK(canonical("::") == "::");
    CHECK(canonical("2001:DB8:0:0:0:0:0:1") == "2001:db8::1");
    CHECK(canonical("2001:db8::0001") == "2001:db8::1");
    CHECK(canonical("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
    CHECK(canonical("fe80::1:0:0:2") == "fe80::1:0:0:2");
}

TEST_CASE("an IPv4-mapped IPv6 address is the IPv4 address") {
    CHECK(canonical("::ffff:10.0.0.1") == "10.0.0.1");
    CHECK(canonical("::ffff:a00:1") == "10.0.0.1");
    CHECK(std::holds_alternative<Ipv4>(*parse_address("::FFFF:1.2.3.4")));
    CHECK(std::holds_alternative<Ipv6>(*parse_address("::fffe:1.2.3.4")));
}

TEST_CASE("what is not an address") {
    for (const std::string bad : {"",
                                  " ",
                                  "1",
                                  "1.2.3",
                                  "1.2.3.4.5",
                                  "01.2.3.4",
                                  "1.2.3.04",
                                  "00.0.0.0",
                                  "256.1.1.1",
                                  "1.2.3.4 ",
                                  " 1.2.3.4",
                                  "1.2.3.-4",
                                  "+1.2.3.4",
                                  "1,2,3,4",
                                  "0x1.2.3.4",
                                  "fe80::1%eth0",
                                  "1::2::3",
                                  ":1",
                                  "1:",
                                  ":::",
                                  "12345::",
                                  "00001::",
                                  "g::",
                                  "1:2:3:4:5:6:7:8:9",
                                  "1:2:3:4:5:6:7:8::",
                                  "::ffff:01.2.3.4",
                                  "::ffff:1.2.3",
                                  "[::1]",
                                  "::1/128",
                                  "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"}) {
        CAPTURE(bad);
        CHECK(canonical(bad) == "none");
    }
    CHECK_FALSE(parse_address(std::string_view("1.2.3.4\0", 8)).has_value());
}

TEST_CASE("addresses are in the order of their octets") {
    std::mt19937 random(3);
    const auto fill = [&](auto& octets) {
        for (auto& octet : octets) {  // few values: long common beginnings
            octet = static_cast<std::uint8_t>(random() % 2 == 0 ? 0x7f : 0x80);
        }
    };
    for (int i = 0; i < 2000; ++i) {
        Ipv4 a4, b4;
        fill(a4.octets);
        fill(b4.octets);
        REQUIRE((a4 < b4) == (a4.octets < b4.octets));
        REQUIRE((a4 == b4) == (a4.octets == b4.octets));
        Ipv6 a6, b6;
        fill(a6.octets);
        b6 = a6;
        b6.octets[random() % 16] ^= static_cast<std::uint8_t>(random());
        REQUIRE((a6 < b6) == (a6.octets < b6.octets));
        REQUIRE((a6 == b6) == (a6.octets == b6.octets));
    }
}

TEST_CASE("labels made from addresses") {
    CHECK(address_label("10.11.12.13") == "10-11-12-13");
    CHECK(address_label("5678:abcd::1") == "5678-abcd--1");
    CHECK(address_label("2001:db8:3333:4444:5555:6666::") == "2001-db8-3333-4444-5555-6666--0");
    CHECK(address_label("::") == "--0");
    CHECK(address_label("2001:DB8::A") == "2001-db8--a");
}

TEST_CASE("addresses read from labels") {
    CHECK(of_label("10-240-0-1") == "10.240.0.1");
    CHECK(of_label("2001-db8--1") == "2001:db8::1");
    CHECK(of_label("1-2-3-4-5-6-7-8") == "1:2:3:4:5:6:7:8");
    CHECK(of_label("--1") == "::1");
    CHECK(of_label("1--2-3") == "1::2:3");  // three dashes, but two of them together: IPv6
    CHECK(of_label("--ffff-a00-1") == "10.0.0.1");
    for (const std::string bad : {"", "-", "---", "10-240-0", "10-240-0-01", "256-1-1-1", "blah",
                                  "1-2-3-g", "10-240-0-1-", "a-b-c-d"}) {
        CAPTURE(bad);
        CHECK(of_label(bad) == "none");
    }
    CHECK_FALSE(parse_address_label(std::string(63, '1')).has_value());
    CHECK_FALSE(parse_address_label(std::string_view("--1\0", 4)).has_value());
}

TEST_CASE("bug: a label with dots in it is no IPv4 address") {
    // Three single dashes make an IPv4 address; "10\.0\.0\.1" is one label with none.
    CHECK(of_label("10.0.0.1") == "none");
    CHECK(of_label("--ffff-10.0.0.1") == "none");
}

TEST_CASE("labels of random addresses lead back to them") {
    std::mt19937 random(7);
    for (int round = 0; round < 4000; ++round) {
        Ipv6 v6;
        for (std::size_t i = 0; i < 16; ++i) {
            const bool zero = random() % 2 == 0;  // runs of zeros make "::"
            v6.octets[i] = zero ? std::uint8_t{0} : static_cast<std::uint8_t>(random());
        }
        v6.octets[0] = 0x20;  // not below ::/96: see the next test
        CAPTURE(to_string(v6));
        CHECK(parse_address_label(address_label(to_string(v6))) == Address(v6));
        CHECK(parse_address(to_string(v6)) == Address(v6));
        Ipv4 v4;
        std::copy_n(v6.octets.begin() + 4, 4, v4.octets.begin());
        CHECK(parse_address_label(address_label(to_string(v4))) == Address(v4));
        CHECK(parse_address(to_string(v4)) == Address(v4));
    }
}

TEST_CASE("bug: an address below ::/96 is written in hexadecimal, as Go does") {
    // The label is made from the text: "::1.2.3.4" would give one that reads back as another
    // address.
    CHECK(canonical("::102:304") == "::102:304");
    CHECK(of_label(address_label(canonical("::102:304"))) == "::102:304");
}

TEST_CASE("reverse names of IPv4 (RFC 1035 section 3.5)") {
    CHECK(reverse("1.2.3.4.in-addr.arpa") == "4.3.2.1/32");
    CHECK(reverse("10.in-addr.arpa") == "10.0.0.0/8");
    CHECK(reverse("0.255.in-addr.arpa") == "255.0.0.0/16");
    CHECK(reverse("in-addr.arpa") == "0.0.0.0/0");
    for (const char* bad : {"1.2.3.4.5.in-addr.arpa", "256.in-addr.arpa", "01.in-addr.arpa",
                            "a.in-addr.arpa", "-1.in-addr.arpa", "1.2.3.x.in-addr.arpa",
                            "0001.in-addr.arpa", "arpa", ".", "in-addr.arpa.example"}) {
        CAPTURE(bad);
        CHECK(reverse(bad) == "none");
    }
    CHECK(parse_reverse_name(Name::parse("4.3.2.1.in-addr.arpa")->wire())->complete());
    CHECK_FALSE(parse_reverse_name(Name::parse("3.2.1.in-addr.arpa")->wire())->complete());
}

TEST_CASE("reverse names of IPv6 (RFC 3596 section 2.5)") {
    CHECK(reverse(v6_reverse("20010db8000000000000000000000001")) == "2001:db8::1/128");
    CHECK(reverse("8.b.d.0.1.0.0.2.ip6.arpa") == "2001:db8::/32");
    CHECK(reverse("f.ip6.arpa") == "f000::/4");
    CHECK(reverse("ip6.arpa") == "::/0");
    for (const std::string& bad :
         {v6_reverse("20010db80000000000000000000000012"), std::string("10.ip6.arpa"),
          std::string("g.ip6.arpa"), std::string("1.x.ip6.arpa")}) {
        CAPTURE(bad);
        CHECK(reverse(bad) == "none");
    }
}

TEST_CASE("bug: a reverse name ends in the labels of in-addr.arpa, not in their octets") {
    CHECK(reverse("1\\007in-addr.arpa") == "none");  // one label "1\007in-addr"
    CHECK(reverse("\\0011\\003ip6.arpa") == "none");
}

TEST_CASE("the last address of a prefix") {
    const auto last = [](const char* name) {
        return to_string(last_of(*parse_reverse_name(Name::parse(name)->wire())));
    };
    CHECK(last("1.2.3.4.in-addr.arpa") == "4.3.2.1");
    CHECK(last("3.10.in-addr.arpa") == "10.3.255.255");
    CHECK(last("in-addr.arpa") == "255.255.255.255");
    CHECK(last("f.ip6.arpa") == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    CHECK(last("2.0.0.2.ip6.arpa") == "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

#include "zones/presentation.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/dns_judge.h"
#include "zones/writer.h"

using namespace zones;
using namespace std::string_literals;

namespace {

/// The record in a message, as the judge reads it; else the error.
std::string read_back(const std::string& text) {
    const auto record = parse_record(text, 3600);
    if (!record) {
        return record.error();
    }
    const std::vector<std::uint8_t> asked = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1};
    Query query;
    REQUIRE(parse_query(asked, query) == Verdict::Ask);
    std::vector<std::uint8_t> buffer(kMaxMessageSize);
    MessageWriter out(buffer);
    out.begin(query, kMaxMessageSize);
    out.begin_relayed(record->owner.wire(), record->type, record->ttl, record->rclass);
    out.put_octets(record->rdata);
    REQUIRE(out.end_record(Section::Answer));
    const auto judged = support::judge(std::span(buffer).first(out.finish(Rcode::NoError, 0, 0)));
    REQUIRE(judged.fault == "");
    REQUIRE(judged.answer.size() == 1);
    return judged.answer.front();
}

}  // namespace

TEST_CASE("records of many types arrive in a message as they were written") {
    for (const std::string text : {
             "a.test. 60 IN A 192.0.2.1",
             "a.test. 60 IN AAAA 2001:db8::1",
             "a.test. 60 IN CNAME b.test.",
             "a.test. 60 IN NS ns.test.",
             "a.test. 60 IN PTR b.test.",
             "a.test. 60 IN MX 10 mx.test.",
             "a.test. 60 IN SRV 1 2 80 b.test.",
             "a.test. 60 IN SOA ns.test. admin.test. 1 60 120 86400 3600",
             "a.test. 60 IN NAPTR 1 2 \"s\" \"SIP\" \"\" b.test.",
             "a.test. 60 IN TXT \"one two\" \"three; four\"",
             "a.test. 60 IN CAA 0 issue \"ca.test\"",
             "a.test. 60 IN HTTPS 1 . alpn=h2",
             "a.test. 60 IN TYPE65280 \\# 2 abcd",
             "a.test. 60 CH TXT \"x\"",
             ". 0 IN A 192.0.2.1",
         }) {
        CHECK(read_back(text) == text);
    }
}

TEST_CASE("what may be left out, and in which order the rest may come") {
    const std::string a = "a.test. 3600 IN A 192.0.2.1";
    CHECK(read_back("a.test A 192.0.2.1") == a);
    CHECK(read_back("a.test.\tIN  A\t192.0.2.1 ") == a);
    CHECK(read_back("a.test in 1h a 192.0.2.1") == a);
    CHECK(read_back("a.test 1h IN A 192.0.2.1 ; why") == a);
    CHECK(read_back("a.test TYPE1 192.0.2.1") == a);
    CHECK(read_back("@ 1w2d3h4m5s A 192.0.2.1") == ". 788645 IN A 192.0.2.1");
    CHECK(read_back("7 8 A 192.0.2.1") == "7. 8 IN A 192.0.2.1");
    // Names are absolute, and parentheses hold lines together.
    CHECK(read_back("a.test. 60 SOA ns.test admin.test (1 60\n120 86400 3600)") ==
          "a.test. 60 IN SOA ns.test. admin.test. 1 60 120 86400 3600");
    CHECK(read_back("a.test. 60 CNAME @") == "a.test. 60 IN CNAME .");
}

TEST_CASE("escapes in owners and rdata") {
    CHECK(read_back(R"(a\.b\"\010.test. 60 IN A 192.0.2.1)") ==
          support::canonical_record(R"(a\.b\"\010.test. 60 IN A 192.0.2.1)"));
    CHECK(read_back(R"(\@.test. 60 IN A 192.0.2.1)") ==
          support::canonical_record(R"(\@.test. 60 IN A 192.0.2.1)"));
    CHECK(read_back(R"(t. 60 IN TXT "a\"b\\c\000")") == R"(t. 60 IN TXT "a\"b\\c\000")");
    const auto record = parse_record(R"(x\000\"y. A 192.0.2.1)", 1);
    REQUIRE(record.has_value());
    CHECK(record->owner.wire() == "\4x\0\"y\0"s);
}

TEST_CASE("what is no record") {
    for (const std::string text : {"",
                                   " ",
                                   " 60 IN A 192.0.2.1",
                                   "a.test.",
                                   "a.test. 60",
                                   "a.test. 60 IN",
                                   "a.test. A",
                                   "a.test. TXT",
                                   "a.test. 60 IN A 192.0.2.256",
                                   "a.test. 60 IN A 192.0.2.1 192.0.2.2",
                                   "a.test. A 192.0.2.1\nb.test. A 192.0.2.2",
                                   "a..test. A 192.0.2.1",
                                   "a.test. X 1",
                                   "a.test. 2147483648 A 192.0.2.1",
                                   "a.test. 60 60 A 192.0.2.1",
                                   "a.test. IN IN A 192.0.2.1",
                                   "a.test. ANY A 192.0.2.1",
                                   "a.test. NONE A 192.0.2.1",
                                   "a.test. OPT \\# 0",
                                   "a.test. ANY ANY \\# 0",
                                   "a.test. TSIG x 1 1 AA== 1 0 0",
                                   "a.test. PTR \\# 0",
                                   "a.test. A \\# 3 010203",
                                   "a.test. TYPE5 \\# 2 c000",
                                   "a.test. WKS 192.0.2.1 6 25",
                                   "$ORIGIN test.",
                                   "$INCLUDE /etc/passwd",
                                   "( a.test. A 192.0.2.1 )",
                                   "\"a\" A 192.0.2.1",
                                   ";a A 192.0.2.1",
                                   "a.test. MX 10",
                                   "a.test. A \x01"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_record(text, 3600).has_value());
    }
    CHECK_FALSE(parse_record("a. TXT \"x\0\""s, 1).has_value());
    CHECK_FALSE(parse_record("a. TXT " + std::string(kMaxRecordText, 'x'), 1).has_value());
    const std::string label(64, 'x');
    CHECK_FALSE(parse_record(label + ". A 192.0.2.1", 1).has_value());
    CHECK_FALSE(parse_record("a. CNAME " + label + ".", 1).has_value());
}

TEST_CASE("types and classes by name and number") {
    CHECK(parse_type("AAAA") == 28);
    CHECK(parse_type("any") == 255);
    CHECK(parse_type("TYPE65280") == 65280);
    CHECK_FALSE(parse_type("").has_value());
    CHECK_FALSE(parse_type("AA").has_value());
    CHECK_FALSE(parse_type("TYPE65536").has_value());
    CHECK_FALSE(parse_type("TYPE65537").has_value());
    CHECK_FALSE(parse_type("type70000").has_value());
    CHECK_FALSE(parse_type("TYPE99999999999").has_value());
    CHECK_FALSE(parse_class("CLASS65537").has_value());
    CHECK(parse_type("TYPE65535") == 65535);
    CHECK_FALSE(parse_class("CLASS65537").has_value());
    CHECK(type_to_string(65) == "HTTPS");
    CHECK(type_to_string(65280) == "TYPE65280");
    CHECK(parse_class("in") == 1);
    CHECK(parse_class("ANY") == 255);
    CHECK_FALSE(parse_class("").has_value());
    CHECK_FALSE(parse_class("IX").has_value());
    CHECK(class_to_string(1) == "IN");
    CHECK(class_to_string(255) == "ANY");
}

#include "zones/relay.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/dns_judge.h"
#include "tests/support/wire_message.h"

using namespace zones;
using support::Judged;
using support::Texts;
using support::WireMessage;
using namespace std::string_literals;

namespace {

constexpr std::size_t kExampleCom = 16;  // where example.com. stands in the question
constexpr std::uint16_t kReplyFlags = 0x8180;

WireMessage upstream() {
    return WireMessage(kReplyFlags).question("www.example.com.", 1);
}

/// rdata built like a message; offsets in it are those of the whole.
std::string built_rdata(const WireMessage& built) {
    const auto octets = built.octets();
    return {octets.begin() + kHeaderSize, octets.end()};
}

struct Relayed {
    bool parsed = false;
    bool good = false;
    Judged message;
    std::size_t size = 0;
};

Relayed relay(const std::vector<std::uint8_t>& octets, std::size_t limit = kMaxMessageSize,
              RelayedSections wanted = {}) {
    const auto asked = WireMessage().question("WWW.example.com.", 1).octets();
    Query query;
    REQUIRE(parse_query(asked, query) == Verdict::Ask);
    std::vector<std::uint8_t> buffer(kMaxMessageSize, 0xee);
    MessageWriter out(buffer);
    out.begin(query, limit);
    Relayed relayed;
    const auto reply = parse_upstream_reply(octets);
    relayed.parsed = reply.has_value();
    relayed.good = reply && relay_records(*reply, wanted, out);
    if (relayed.good) {
        relayed.size = out.finish(reply->rcode, 0, 0);
        buffer.resize(relayed.size);
        relayed.message = support::judge(buffer);
        REQUIRE(relayed.message.fault == "");
        REQUIRE(relayed.size <= limit);
    }
    return relayed;
}

Relayed relay(const WireMessage& reply, std::size_t limit = kMaxMessageSize,
              RelayedSections wanted = {}) {
    return relay(reply.octets(), limit, wanted);
}

/// A reply with one answer of that type, its names pointing at the question's example.com.
WireMessage with_names(unsigned type, const std::string& before, int names,
                       const std::string& after = "") {
    WireMessage rdata;
    rdata.raw(before);
    for (int i = 0; i < names; ++i) {
        rdata.labels("n" + std::to_string(i)).pointer(kExampleCom);
    }
    rdata.raw(after);
    return upstream().record(WireMessage::kAnswer, "www.example.com.", type, 60,
                             built_rdata(rdata));
}

}  // namespace

TEST_CASE("header and counts of a reply") {
    const auto octets =
        WireMessage(0x8583).question("a.", 1).opt().set_count(WireMessage::kAuthority, 7).octets();
    const auto reply = parse_upstream_reply(octets);
    REQUIRE(reply.has_value());
    CHECK(reply->rcode == Rcode::NxDomain);
    CHECK(reply->flags2 == 0x85);
    CHECK(reply->flags3 == 0x83);
    CHECK(reply->counts[1] == 7);
    CHECK(reply->counts[2] == 1);
    CHECK(reply->records_at == kHeaderSize + 7);
    for (std::size_t size = 0; size < reply->records_at; ++size) {
        CHECK_FALSE(parse_upstream_reply(Octets(octets).first(size)).has_value());
    }
}

TEST_CASE("addresses and opaque rdata pass as they are") {
    const Relayed relayed =
        relay(upstream()
                  .record(WireMessage::kAnswer, "www.example.com.", 1, 300, "\300\0\2\1"s)
                  .record(WireMessage::kAnswer, "www.example.com.", 28, 300, std::string(16, '\1'))
                  .record(WireMessage::kAnswer, "www.example.com.", 16, 300, "\5hello"s)
                  .record(WireMessage::kAnswer, "www.example.com.", 65280, 300, "\300\14opaque"s));
    REQUIRE(relayed.good);
    CHECK(relayed.message.answer ==
          Texts{"www.example.com. 300 IN A 192.0.2.1",
                "www.example.com. 300 IN AAAA 101:101:101:101:101:101:101:101",
                "www.example.com. 300 IN TXT \"hello\"",
                "www.example.com. 300 IN TYPE65280 \\# 8 c00c6f7061717565"});
}

TEST_CASE("types with one name, which may be compressed in a reply") {
    struct Case {
        unsigned type;
        std::string before;
        const char* text;
    };
    const std::vector<Case> cases = {
        {2, "", "NS n0.example.com."},
        {3, "", "MD n0.example.com."},
        {4, "", "MF n0.example.com."},
        {5, "", "CNAME n0.example.com."},
        {7, "", "MB n0.example.com."},
        {8, "", "MG n0.example.com."},
        {9, "", "MR n0.example.com."},
        {12, "", "PTR n0.example.com."},
        {15, "\0\12"s, "MX 10 n0.example.com."},
        {18, "\0\1"s, "AFSDB 1 n0.example.com."},
        {21, "\0\5"s, "RT 5 n0.example.com."},
        {33, "\0\1\0\2\0\120"s, "SRV 1 2 80 n0.example.com."},
        {35, "\0\1\0\2\1s\3SIP\1!"s, "NAPTR 1 2 \"s\" \"SIP\" \"!\" n0.example.com."},
        {36, "\0\7"s, "KX 7 n0.example.com."},
        {39, "", "DNAME n0.example.com."},
    };
    for (const Case& one : cases) {
        CAPTURE(one.type);
        const Relayed relayed = relay(with_names(one.type, one.before, 1));
        REQUIRE(relayed.good);
        CHECK(relayed.message.answer == Texts{"www.example.com. 60 IN "s + one.text});
    }
}

TEST_CASE("types with two names") {
    CHECK(relay(with_names(14, "", 2)).message.answer ==
          Texts{"www.example.com. 60 IN MINFO n0.example.com. n1.example.com."});
    CHECK(relay(with_names(17, "", 2)).message.answer ==
          Texts{"www.example.com. 60 IN RP n0.example.com. n1.example.com."});
    CHECK(relay(with_names(26, "\0\1"s, 2)).message.answer ==
          Texts{"www.example.com. 60 IN PX 1 n0.example.com. n1.example.com."});
    CHECK(relay(with_names(6, "", 2, "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"s)).message.answer ==
          Texts{"www.example.com. 60 IN SOA n0.example.com. n1.example.com. 1 2 3 4 5"});
}

TEST_CASE("names of later types are written out, older ones compressed") {
    // RFC 3597 section 4. The owner is spelled unlike the question: its first label is written.
    const Relayed mx = relay(with_names(15, "\0\12"s, 1));
    const Relayed srv = relay(with_names(33, "\0\1\0\2\0\120"s, 1));
    const std::size_t question = WireMessage().question("www.example.com.", 1).size();
    CHECK(mx.size == question + 6 + 10 + 2 + 3 + 2);
    CHECK(srv.size == question + 6 + 10 + 6 + 3 + 13);
}

TEST_CASE("malformed rdata is refused") {
    CHECK_FALSE(relay(with_names(15, "\0"s, 0)).good);                 // no name
    CHECK_FALSE(relay(with_names(2, "", 0)).good);                     // empty
    CHECK_FALSE(relay(with_names(6, "", 1)).good);                     // one name of two
    CHECK_FALSE(relay(with_names(35, "\0\1\0\2\1s\377"s, 0)).good);    // string past the end
    CHECK_FALSE(relay(with_names(33, "\0\1\0\2\0\120\1x"s, 0)).good);  // name past the end
    CHECK_FALSE(relay(upstream().record(WireMessage::kAnswer, "a.", 1, 60, "abc")).good);
    CHECK_FALSE(relay(upstream().record(WireMessage::kAnswer, "a.", 28, 60, "abcd")).good);
    // A name that reads well, but beyond its rdata.
    const auto beyond = upstream()
                            .record(WireMessage::kAnswer, "a.", 5, 60, "\1b"s)
                            .u8(0)
                            .record(WireMessage::kAnswer, "a.", 1, 60, "abcd");
    CHECK_FALSE(relay(beyond).good);
}

TEST_CASE("pointers that loop or look ahead are refused") {
    const std::size_t end = upstream().size();
    const auto owner = [&](std::size_t target) {
        return upstream().pointer(target).rest_of_record(WireMessage::kAnswer, 1, 60, "abcd");
    };
    CHECK(relay(owner(kExampleCom)).good);
    CHECK_FALSE(relay(owner(end)).good);
    CHECK_FALSE(relay(owner(end + 12)).good);
    CHECK_FALSE(relay(owner(0x3fff)).good);
    const auto rdata = upstream().name("a.").rest_of_record(
        WireMessage::kAnswer, 5, 60, built_rdata(WireMessage().pointer(end + 13)));
    CHECK_FALSE(relay(rdata).good);
}

TEST_CASE("bug: a record that is cut short at the end of the message is refused") {
    const auto whole = upstream()
                           .record(WireMessage::kAnswer, "www.example.com.", 1, 60, "abcd")
                           .record(WireMessage::kAnswer, "www.example.com.", 16, 60, "\3abc"s)
                           .octets();
    for (std::size_t size = upstream().size(); size < whole.size(); ++size) {
        CAPTURE(size);
        const std::vector<std::uint8_t> cut(whole.begin(),
                                            whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(relay(cut).good);
    }
    CHECK(relay(whole).good);
}

TEST_CASE("OPT and TSIG stay with their hop") {
    const auto reply =
        upstream()
            .record(WireMessage::kAnswer, "www.example.com.", 1, 60, "\300\0\2\1"s)
            .opt(4096, 0x8000, "\0\12\0\2ab"s)
            .record(WireMessage::kAdditional, "ns.example.com.", 1, 60, "\300\0\2\2"s)
            .record(WireMessage::kAdditional, "key.", 250, 0, "junk", 255);
    const Relayed relayed = relay(reply);
    REQUIRE(relayed.good);
    CHECK(relayed.message.answer.size() == 1);
    CHECK(relayed.message.additional == Texts{"ns.example.com. 60 IN A 192.0.2.2"});
    CHECK_FALSE(relayed.message.edns.has_value());
}

TEST_CASE("an extended rcode is no answer to the client's question") {
    CHECK(relay(upstream().opt(1232, 0x00008000)).good);
    CHECK_FALSE(relay(upstream().opt(1232, 0x01000000)).good);  // BADVERS
}

TEST_CASE("a TTL with the top bit set counts as 0 (RFC 2181 section 8)") {
    const auto answer = [](std::uint32_t ttl) {
        return relay(upstream().record(WireMessage::kAnswer, "a.", 1, ttl, "\300\0\2\1"s))
            .message.answer;
    };
    CHECK(answer(0x7fffffff) == Texts{"a. 2147483647 IN A 192.0.2.1"});
    CHECK(answer(0x80000000) == Texts{"a. 0 IN A 192.0.2.1"});
    CHECK(answer(0xffffffff) == Texts{"a. 0 IN A 192.0.2.1"});
}

TEST_CASE("TTLs are brought into the range that is wanted") {
    const auto ttl_of = [](std::uint32_t ttl, TtlRange range) {
        return relay(upstream()
                         .record(WireMessage::kAnswer, "www.example.com.", 1, ttl, "\1\2\3\4")
                         .octets(),
                     kMaxMessageSize, {.ttls = range})
            .message.answer;
    };
    CHECK(ttl_of(7, {10, 20}) == ttl_of(10, {}));
    CHECK(ttl_of(15, {10, 20}) == ttl_of(15, {}));
    CHECK(ttl_of(99, {10, 20}) == ttl_of(20, {}));
    CHECK(ttl_of(0xffffffffU, {10, 20}) == ttl_of(10, {}));
    CHECK(ttl_of(15, {}) != ttl_of(20, {}));
}

TEST_CASE("sections that are not wanted are left out, but must be well formed") {
    const auto reply = upstream()
                           .record(WireMessage::kAnswer, "a.", 1, 60, "\300\0\2\1"s)
                           .record(WireMessage::kAuthority, "a.", 2, 60, "\1b\0"s)
                           .record(WireMessage::kAdditional, "b.", 1, 60, "\300\0\2\2"s);
    const Relayed bare = relay(reply, kMaxMessageSize, {false, false});
    CHECK(bare.message.answer.size() == 1);
    CHECK(bare.message.authority.empty());
    CHECK(bare.message.additional.empty());
    CHECK(relay(reply, kMaxMessageSize, {true, false}).message.authority ==
          Texts{"a. 60 IN NS b."});
    auto cut = reply.octets();
    cut.pop_back();
    CHECK_FALSE(relay(cut, kMaxMessageSize, {false, false}).good);
}

TEST_CASE("what does not fit is left out, with TC unless it is additional") {
    auto reply = upstream();
    for (int i = 0; i < 40; ++i) {
        reply.record(WireMessage::kAnswer, "www.example.com.", 1, 60, "\300\0\2\1"s);
    }
    const Relayed cut = relay(reply, 512);
    REQUIRE(cut.good);
    CHECK(cut.message.has_flag("tc"));
    CHECK(cut.message.answer.size() == (512 - 33) / 16);
    const auto extra = [](WireMessage::Section section) {
        return upstream()
            .record(section, "a.", 65280, 60, std::string(600, 'x'))
            .record(WireMessage::kAdditional, "b.", 1, 60, "\300\0\2\1"s);
    };
    const Relayed authority = relay(extra(WireMessage::kAuthority), 512);
    CHECK(authority.message.has_flag("tc"));
    CHECK(authority.message.additional.empty());
    const Relayed additional = relay(extra(WireMessage::kAdditional), 512);
    CHECK(additional.good);
    CHECK_FALSE(additional.message.has_flag("tc"));
}

TEST_CASE("owners keep their case and their class") {
    const Relayed relayed =
        relay(upstream()
                  .record(WireMessage::kAnswer, "wWw.example.com.", 16, 60, "\1x"s, 3)
                  .record(WireMessage::kAnswer, "www.EXAMPLE.com.", 16, 60, "\1x"s));
    CHECK(relayed.message.answer ==
          Texts{"wWw.example.com. 60 CH TXT \"x\"", "www.EXAMPLE.com. 60 IN TXT \"x\""});
}

// What of an upstream's reply may be kept, and for how long.
#include <random>

#include <doctest/doctest.h>

#include "tests/resolver/cached_replies.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::AnswerKind;
using Ttls = std::vector<std::uint32_t>;

namespace {

constexpr unsigned kNxDomain = 0x8183;
constexpr unsigned kRrsig = 46;

bool is_kept(const WireMessage& reply) {
    return keep(reply).has_value();
}

}  // namespace

TEST_CASE("nothing is kept beyond the end of its signatures") {
    const auto signed_until = [](std::uint32_t expiration) {
        std::string rdata("\0\1\10\2\0\0\0\74", 8);  // A, RSA/SHA-256, 2 labels, TTL 60
        for (int shift = 24; shift >= 0; shift -= 8) {
            rdata.push_back(static_cast<char>(expiration >> shift & 0xff));
        }
        rdata += std::string(6, '\0') + wire_of("test.") + "signature";
        return address_reply("a.test.", 60).record(Section::kAnswer, "a.test.", kRrsig, 60, rdata);
    };
    CHECK(keep(signed_until(kNow + 100))->what.lifetime == 60);
    CHECK(keep(signed_until(kNow + 20))->what.lifetime == 20);
    CHECK(ttls_of(keep(signed_until(kNow + 20))->message) == Ttls{20, 20});
    CHECK(keep(signed_until(kNow + 1))->what.lifetime == 1);  // MINTTL does not lengthen it
    CHECK_FALSE(is_kept(signed_until(kNow)));
    CHECK_FALSE(is_kept(signed_until(kNow - 1)));
    CHECK(is_kept(signed_until(kNow + 0x7fffffffU)));
    CHECK_FALSE(is_kept(
        address_reply("a.test.", 60).record(Section::kAnswer, "a.test.", kRrsig, 60, "short")));
}

TEST_CASE("an answer is kept as long as its shortest TTL, in the limits") {
    struct Case {
        std::uint32_t ttl, lifetime;
    };
    for (const Case& one : {Case{60, 60}, Case{0, 5}, Case{4, 5}, Case{3600, 3600},
                            Case{86400, 3600}, Case{0x80000000U, 5}, Case{0xffffffffU, 5}}) {
        CAPTURE(one.ttl);
        const auto kept = keep(address_reply("a.test.", one.ttl));
        REQUIRE(kept);
        CHECK(kept->what.kind == AnswerKind::Success);
        CHECK(kept->what.lifetime == one.lifetime);
        CHECK(ttls_of(kept->message) == Ttls{one.lifetime});
    }
    resolver::TtlLimits limits;
    limits.success = {5, 3};
    CHECK(keep(address_reply("a.test.", 60), limits)->what.lifetime == 3);  // the cap counts
    limits.success = {0, 30};
    CHECK_FALSE(keep(address_reply("a.test.", 0), limits));
}

TEST_CASE("each record keeps its own TTL, the shortest decides") {
    const auto kept = keep(reply_to("a.test.")
                               .record(Section::kAnswer, "a.test.", kCname, 300, wire_of("b.test."))
                               .record(Section::kAnswer, "b.test.", kA, 20, "\1\2\3\4")
                               .record(Section::kAuthority, "test.", 2, 7200, wire_of("ns.test.")));
    REQUIRE(kept);
    CHECK(kept->what.kind == AnswerKind::Success);
    CHECK(kept->what.lifetime == 20);
    CHECK(ttls_of(kept->message) == Ttls{300, 20, 3600});
}

TEST_CASE("additional records and OPT are not kept") {
    const auto kept = keep(address_reply("a.test.", 60)
                               .record(Section::kAdditional, "ns.test.", kA, 60, "\6\6\6\6")
                               .opt());
    REQUIRE(kept);
    CHECK(kept->message == keep(address_reply("a.test.", 60))->message);
}

TEST_CASE("the question is kept in lower case, owners that repeat it point to it") {
    const auto kept = keep(address_reply("Ab.TEST.", 60));
    REQUIRE(kept);
    WireMessage expected(0x8000, 0x4b59);
    expected.question("ab.test.", kA)
        .pointer(12)
        .rest_of_record(Section::kAnswer, kA, 60, "\1\2\3\4");
    Octets message = kept->message;
    message[2] = 0x80;  // RD of the query
    CHECK(message == expected.octets());
}

TEST_CASE("a negative answer is kept for the lesser of the SOA's TTL and its minimum") {
    struct Case {
        std::uint32_t ttl, minimum, lifetime;
    };
    for (const Case& one :
         {Case{3600, 60, 60}, Case{30, 900, 30}, Case{9000, 9000, 1800}, Case{600, 0, 5}}) {
        for (const unsigned flags : {0x8180U, kNxDomain}) {
            CAPTURE(one.minimum);
            const auto kept = keep(
                reply_to("no.test.", kA, flags)
                    .record(Section::kAuthority, "test.", kSoa, one.ttl, soa_rdata(one.minimum)));
            REQUIRE(kept);
            CHECK(kept->what.kind == AnswerKind::Denial);
            CHECK(kept->what.lifetime == one.lifetime);
            CHECK(ttls_of(kept->message) == Ttls{one.lifetime});
        }
    }
}

TEST_CASE("a chain whose end does not exist is a denial") {
    auto reply = reply_to("a.test.", kA, kNxDomain);
    reply.record(Section::kAnswer, "a.test.", kCname, 20, wire_of("b.net."));
    CHECK_FALSE(is_kept(reply));
    auto of_another_zone = reply;
    of_another_zone.record(Section::kAuthority, "test.", kSoa, 60, soa_rdata(60));
    CHECK_FALSE(is_kept(of_another_zone));
    reply.record(Section::kAuthority, "net.", kSoa, 60, soa_rdata(60));
    REQUIRE(is_kept(reply));
    CHECK(keep(reply)->what.kind == AnswerKind::Denial);
    CHECK(keep(reply)->what.lifetime == 20);
}

TEST_CASE("failures are kept without records") {
    for (const unsigned rcode : {2U, 4U}) {
        const auto kept = keep(reply_to("a.test.", kA, 0x8180 | rcode)
                                   .record(Section::kAuthority, "test.", kSoa, 60, soa_rdata(60)));
        REQUIRE(kept);
        CHECK(kept->what.kind == AnswerKind::Failure);
        CHECK(kept->what.lifetime == 5);
        CHECK(ttls_of(kept->message).empty());
        CHECK((kept->message[3] & 0x0f) == rcode);
    }
}

TEST_CASE("what is not kept") {
    CHECK_FALSE(is_kept(reply_to("a.test.")));                 // NODATA without SOA
    CHECK_FALSE(is_kept(reply_to("a.test.", kA, kNxDomain)));  // NXDOMAIN without SOA
    CHECK_FALSE(is_kept(reply_to("a.test.").record(Section::kAuthority, "test.", 2, 60,
                                                   wire_of("ns.test."))));  // a referral
    for (const unsigned rcode : {1U, 5U, 9U}) {
        CHECK_FALSE(is_kept(reply_to("a.test.", kA, 0x8180 | rcode)));
    }
    CHECK_FALSE(is_kept(reply_to("a.test.", kA, 0x8380)
                            .record(Section::kAnswer, "a.test.", kA, 60, "\1\2\3\4")));  // TC
    CHECK_FALSE(is_kept(reply_to("a.test.", kA, kNxDomain)
                            .record(Section::kAnswer, "a.test.", kA, 60, "\1\2\3\4")
                            .record(Section::kAuthority, "test.", kSoa, 60, soa_rdata(60))));
}

TEST_CASE("answers that do not follow from the question are not kept") {
    CHECK_FALSE(
        is_kept(reply_to("a.test.").record(Section::kAnswer, "b.test.", kA, 60, "\1\2\3\4")));
    CHECK_FALSE(is_kept(
        address_reply("a.test.", 60).record(Section::kAnswer, "bank.test.", kA, 60, "\6\6\6\6")));
    CHECK_FALSE(is_kept(reply_to("a.test.").record(Section::kAnswer, "a.test.", kTxt, 60, "\1x")));
    CHECK_FALSE(
        is_kept(reply_to("a.test.").record(Section::kAnswer, "a.test.", kA, 60, "\1\2\3\4", 3)));
    CHECK(is_kept(reply_to("a.b.test.")
                      .record(Section::kAnswer, "b.test.", 39, 60, wire_of("net."))  // DNAME
                      .record(Section::kAnswer, "a.b.test.", kCname, 60, wire_of("a.net."))
                      .record(Section::kAnswer, "A.net.", kA, 60, "\1\2\3\4")));
}

TEST_CASE("malformed replies, and those too long, are not kept") {
    auto cut = address_reply("a.test.", 60);
    cut.set_count(Section::kAnswer, 2);
    CHECK_FALSE(is_kept(cut));
    auto none = WireMessage(0x8180);
    none.record(Section::kAnswer, "a.test.", kA, 60, "\1\2\3\4");
    CHECK_FALSE(is_kept(none));
    auto pointer = WireMessage(0x8180);
    pointer.count(Section::kQuestion).pointer(0).u16(kA).u16(1);
    CHECK_FALSE(is_kept(pointer));
    auto large = reply_to("a.test.", kTxt);
    const std::string text = std::string(1, '\xfa') + std::string(250, 'x');
    for (int i = 0; i < 50; ++i) {
        large.record(Section::kAnswer, "a.test.", kTxt, 60, text);
    }
    CHECK(is_kept(large));
    for (int i = 0; i < 20; ++i) {
        large.record(Section::kAnswer, "a.test.", kTxt, 60, text);
    }
    CHECK_FALSE(is_kept(large));
}

TEST_CASE("mutated replies: whatever is kept has its records where it says") {
    std::mt19937 random(53);
    const Octets seed = reply_to("www.test.")
                            .record(Section::kAnswer, "www.test.", kCname, 300, wire_of("b.test."))
                            .record(Section::kAnswer, "b.test.", kA, 20, "\1\2\3\4")
                            .record(Section::kAuthority, "test.", kSoa, 7200, soa_rdata(60))
                            .octets();
    int good = 0, bad = 0;
    Octets out(resolver::AnswerCache::kMaxMessage);
    for (int round = 0; round < 50000; ++round) {
        Octets message = seed;
        for (auto changes = 1 + random() % 3; changes > 0; --changes) {
            message[2 + random() % (message.size() - 2)] =
                static_cast<std::uint8_t>(random() % 3 == 0 ? 0xc0 : random());
        }
        message.resize(message.size() - (random() % 4 == 0 ? random() % 20 : 0));
        message.shrink_to_fit();  // so that a read past the end is seen
        const auto reply = zones::parse_upstream_reply(message);
        const auto kept = reply ? resolver::make_cacheable(*reply, {}, kNow, out) : std::nullopt;
        if (!kept) {
            ++bad;
            continue;
        }
        ++good;
        const std::span<std::uint8_t> written(out.data(), kept->size);
        REQUIRE(ttls_of(written).size() ==
                zones::read_u16(&out[6]) + 0U + zones::read_u16(&out[8]));
    }
    CHECK(good > 2000);
    CHECK(bad > 2000);
}

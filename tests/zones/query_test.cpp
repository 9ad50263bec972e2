#include "zones/query.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/wire_message.h"

using namespace zones;
using support::WireMessage;
using namespace std::string_literals;

namespace {

struct Read {
    explicit Read(const WireMessage& message) : octets(message.octets()) {
        verdict = parse_query(octets, query);
    }
    std::vector<std::uint8_t> octets;
    Query query;
    Verdict verdict;
};

WireMessage question_of_type(unsigned qtype = 1) {
    return WireMessage().question("WWW.Example.com.", qtype);
}

WireMessage with_tsig(WireMessage message) {
    return message.record(WireMessage::kAdditional, "key.", 250, 0, "junk", 255);
}

}  // namespace

TEST_CASE("a plain question") {
    const Read read(question_of_type(28));
    REQUIRE(read.verdict == Verdict::Ask);
    CHECK(read.query.has_question);
    CHECK(read.query.qtype == 28);
    CHECK(read.query.qclass == 1);
    CHECK(read.query.qname == "\3WWW\7Example\3com\0"s);
    CHECK(read.query.name.wire() == "\3www\7example\3com\0"s);
    CHECK(read.query.name.labels == 3);
    CHECK(read.query.name.label(1) == "example");
    CHECK(read.query.question_end == read.octets.size());
    CHECK_FALSE(read.query.has_edns);
    CHECK(read.query.udp_size == 0);
    CHECK(read.query.recursion_desired());
    CHECK_FALSE(read.query.checking_disabled());
    CHECK_FALSE(read.query.authentic_data());
}

TEST_CASE("the root, any type and any class are questions") {
    CHECK(Read(WireMessage().question(".", 2)).verdict == Verdict::Ask);
    CHECK(Read(WireMessage().question("a.", 65535, 3)).verdict == Verdict::Ask);
    CHECK(Read(WireMessage().question("a.", 255, 255)).verdict == Verdict::Ask);
}

TEST_CASE("flags of the header are told, and none spoils a query") {
    const Read all(WireMessage(0x07f0).question("a.", 1));  // AA TC RD RA Z AD CD
    CHECK(all.verdict == Verdict::Ask);
    CHECK(all.query.recursion_desired());
    CHECK(all.query.checking_disabled());
    CHECK(all.query.authentic_data());
    CHECK_FALSE(Read(WireMessage(0).question("a.", 1)).query.recursion_desired());
}

TEST_CASE("no reply to what is too short, or a reply itself") {
    for (std::size_t size = 0; size < kHeaderSize; ++size) {
        const std::vector<std::uint8_t> octets(size);
        Query query;
        CHECK(parse_query(octets, query) == Verdict::Drop);
    }
    CHECK(Read(WireMessage(0x8000).question("a.", 1)).verdict == Verdict::Drop);
    CHECK(Read(WireMessage(0xf800)).verdict == Verdict::Drop);  // QR before the opcode
}

TEST_CASE("every opcode but QUERY is not implemented, whatever follows") {
    for (unsigned opcode = 1; opcode < 16; ++opcode) {
        CAPTURE(opcode);
        const auto flags = static_cast<std::uint16_t>(opcode << 11);
        const Read bare{WireMessage(flags)};
        CHECK(bare.verdict == Verdict::NotImp);
        CHECK_FALSE(bare.query.has_question);
        CHECK(Read(WireMessage(flags).question("a.", 1)).verdict == Verdict::NotImp);
        CHECK(Read(WireMessage(flags).question("a.", 1).u8(1)).verdict == Verdict::NotImp);
    }
}

TEST_CASE("exactly one question") {
    const Read none{WireMessage()};
    CHECK(none.verdict == Verdict::FormErr);
    CHECK_FALSE(none.query.has_question);
    const Read two(question_of_type().question("b.", 1));
    CHECK(two.verdict == Verdict::FormErr);
    CHECK(two.query.has_question);
    CHECK(Read(question_of_type().set_count(WireMessage::kQuestion, 0)).verdict ==
          Verdict::FormErr);
    // A header that promises a question and has none.
    CHECK(Read(WireMessage().set_count(WireMessage::kQuestion, 1)).verdict == Verdict::FormErr);
}

TEST_CASE("without a question, an OPT record is still seen") {
    const Read read(WireMessage().opt(4096));
    CHECK(read.verdict == Verdict::FormErr);
    CHECK(read.query.has_edns);
    CHECK_FALSE(read.query.has_question);
}

TEST_CASE("a question that is cut short was not read") {
    const auto whole = question_of_type().octets();
    for (std::size_t size = kHeaderSize; size < whole.size(); ++size) {
        const std::vector<std::uint8_t> cut(whole.begin(),
                                            whole.begin() + static_cast<std::ptrdiff_t>(size));
        Query query;
        CAPTURE(size);
        CHECK(parse_query(cut, query) == Verdict::FormErr);
        CHECK_FALSE(query.has_question);
    }
}

TEST_CASE("the question's name is plain") {
    const auto of = [](WireMessage message) {
        return Read(message.count(WireMessage::kQuestion).u16(1).u16(1)).verdict;
    };
    CHECK(of(WireMessage().pointer(12)) == Verdict::FormErr);
    CHECK(of(WireMessage().labels("a.").pointer(4)) == Verdict::FormErr);  // into the header
    CHECK(of(WireMessage().u8(64).raw(std::string(64, 'a')).u8(0)) == Verdict::FormErr);
    CHECK(of(WireMessage().u8(0x80).u8(0)) == Verdict::FormErr);
    CHECK(of(WireMessage().u8(63).raw(std::string(63, 'a')).u8(0)) == Verdict::Ask);
}

TEST_CASE("a name of 255 octets is asked, one of 256 is not") {
    const std::string label = std::string(63, 'a') + '.';
    const std::string front = label + label + label;
    const Read longest(WireMessage().question(front + std::string(61, 'b') + '.', 1));
    CHECK(longest.verdict == Verdict::Ask);
    CHECK(longest.query.qname.size() == 255);
    CHECK(longest.query.name.size == 255);
    CHECK(Read(WireMessage().question(front + std::string(62, 'b') + '.', 1)).verdict ==
          Verdict::FormErr);
    std::string many;
    for (int i = 0; i < 127; ++i) {
        many += "x.";
    }
    CHECK(Read(WireMessage().question(many, 1)).query.name.labels == 127);
    CHECK(Read(WireMessage().question(many + "x.", 1)).verdict == Verdict::FormErr);
}

TEST_CASE("no octet after the last record") {
    CHECK(Read(question_of_type().u8(0)).verdict == Verdict::FormErr);
    CHECK(Read(question_of_type().opt().u8(0)).verdict == Verdict::FormErr);
    CHECK(Read(question_of_type().opt().set_count(WireMessage::kAdditional, 0)).verdict ==
          Verdict::FormErr);
    CHECK(Read(question_of_type().set_count(WireMessage::kAdditional, 1)).verdict ==
          Verdict::FormErr);
}

TEST_CASE("no answer and no authority records") {
    CHECK(Read(question_of_type().record(WireMessage::kAnswer, "a.", 1, 0, "abcd")).verdict ==
          Verdict::FormErr);
    CHECK(Read(question_of_type().record(WireMessage::kAuthority, "a.", 6, 0, "x")).verdict ==
          Verdict::FormErr);
    CHECK(Read(question_of_type().record(WireMessage::kAnswer, ".", 41, 0, "")).verdict ==
          Verdict::FormErr);
}

TEST_CASE("zone transfers are refused, and IXFR may carry one authority record") {
    CHECK(Read(question_of_type(252)).verdict == Verdict::Refused);
    CHECK(Read(question_of_type(251)).verdict == Verdict::Refused);
    const auto soa = [](WireMessage message) {
        return message.record(WireMessage::kAuthority, "a.", 6, 0, "any rdata");
    };
    CHECK(Read(soa(question_of_type(251))).verdict == Verdict::Refused);
    CHECK(Read(soa(soa(question_of_type(251)))).verdict == Verdict::FormErr);
    CHECK(Read(soa(question_of_type(252))).verdict == Verdict::FormErr);
    CHECK(Read(soa(question_of_type(251)).opt(512, 0x10000)).verdict == Verdict::BadVers);
    CHECK(Read(soa(question_of_type(251)).u8(1)).verdict == Verdict::FormErr);
}

TEST_CASE("EDNS: size, DO and the flags that mean nothing") {
    const Read plain(question_of_type().opt(4096));
    CHECK(plain.verdict == Verdict::Ask);
    CHECK(plain.query.has_edns);
    CHECK(plain.query.udp_size == 4096);
    CHECK_FALSE(plain.query.dnssec_ok);
    CHECK(Read(question_of_type().opt(512, 0x8000)).query.dnssec_ok);
    const Read reserved(question_of_type().opt(0, 0x7fff));
    CHECK(reserved.verdict == Verdict::Ask);
    CHECK_FALSE(reserved.query.dnssec_ok);
    CHECK(Read(question_of_type().opt(512, 0xff000000)).verdict == Verdict::Ask);  // extended rcode
    CHECK(Read(question_of_type().opt()).query.question_end == question_of_type().octets().size());
}

TEST_CASE("EDNS versions above 0 are BADVERS, with what else the OPT says") {
    for (const std::uint32_t version : {1U, 100U, 255U}) {
        const Read read(question_of_type().opt(700, version << 16 | 0x8000));
        CHECK(read.verdict == Verdict::BadVers);
        CHECK(read.query.has_edns);
        CHECK(read.query.dnssec_ok);
        CHECK(read.query.has_question);
    }
    CHECK(Read(with_tsig(question_of_type().opt(512, 0x10000))).verdict == Verdict::BadVers);
}

TEST_CASE("of what is refused the OPT record is read, where it is in its place") {
    const auto update = [](std::uint16_t flags = 0x2900) {
        return WireMessage(flags).question("example.com.", 6);
    };
    const Read read(update()
                        .record(WireMessage::kAnswer, "a.", 1, 0, "", 255)
                        .record(WireMessage::kAuthority, "b.", 1, 60, "abcd")
                        .opt(700));
    CHECK(read.verdict == Verdict::NotImp);
    CHECK_FALSE(read.query.has_question);
    CHECK(read.query.has_edns);
    CHECK(read.query.udp_size == 700);
    CHECK(Read(with_tsig(update().opt())).query.has_edns);
    CHECK_FALSE(Read(update()).query.has_edns);
    CHECK_FALSE(Read(update().set_count(WireMessage::kAdditional, 1)).query.has_edns);
    CHECK_FALSE(Read(update().opt(512, 0, "\0\12\0\3ab"s)).query.has_edns);
    CHECK_FALSE(Read(update().opt().set_count(WireMessage::kAnswer, 9)).query.has_edns);
    CHECK_FALSE(Read(update().opt().set_count(WireMessage::kAdditional, 3)).query.has_edns);
    CHECK(Read(question_of_type().question("b.", 1).opt()).query.has_edns);
    CHECK(Read(WireMessage().opt()).query.has_edns);
    CHECK(Read(question_of_type().record(WireMessage::kAnswer, "a.", 1, 0, "abcd").opt())
              .query.has_edns);
}

TEST_CASE("what is malformed has a name") {
    const auto what = [](const WireMessage& message) {
        const Read read(message);
        CHECK(read.verdict == Verdict::FormErr);
        return std::string(read.query.malformed);
    };
    CHECK(what(WireMessage()) == "no question");
    CHECK(what(question_of_type().question("b.", 1)) == "more than one question");
    CHECK(what(question_of_type().record(WireMessage::kAnswer, "a.", 1, 0, "abcd")) ==
          "records that no query has");
    CHECK(what(question_of_type().opt().opt()) == "more than one OPT record");
    CHECK(what(question_of_type().opt().u8(0)) == "octets behind the last record");
    CHECK(what(question_of_type().opt().set_count(WireMessage::kAdditional, 2)) ==
          "a record is cut short");
    CHECK(what(with_tsig(question_of_type()).opt()) == "TSIG is not the last record");
}

TEST_CASE("options fill the OPT record exactly") {
    CHECK(Read(question_of_type().opt(512, 0, "\0\12\0\2ab"s)).verdict == Verdict::Ask);
    CHECK(Read(question_of_type().opt(512, 0, "\0\144\0\0\0\3\0\1x"s)).verdict == Verdict::Ask);
    for (const auto& bad : {"\0"s, "\0\12\0"s, "\0\12\0\3ab"s, "\0\12\0\1ab"s, "\0\12\377\377"s}) {
        CHECK(Read(question_of_type().opt(512, 0, bad)).verdict == Verdict::FormErr);
    }
}

TEST_CASE("among the options, a question for who answers is seen") {  // RFC 5001 §2.1
    CHECK(Read(question_of_type().opt(512, 0, "\0\3\0\0"s)).query.wants_server_id);
    CHECK(Read(question_of_type().opt(512, 0, "\0\3\0\0\0\12\0\2ab"s)).query.wants_server_id);
    CHECK_FALSE(Read(question_of_type().opt(512, 0, "\0\12\0\2\0\3"s)).query.wants_server_id);
    CHECK_FALSE(Read(question_of_type().opt()).query.wants_server_id);
    CHECK_FALSE(Read(question_of_type()).query.wants_server_id);
}

TEST_CASE("one OPT record, at the root") {
    CHECK(Read(question_of_type().opt().opt()).verdict == Verdict::FormErr);
    CHECK(
        Read(question_of_type().record(WireMessage::kAdditional, "a.", 41, 0, "", 1232)).verdict ==
        Verdict::FormErr);
    // A pointer to a root label is not how the root is written.
    const auto pointed =
        question_of_type().pointer(28).rest_of_record(WireMessage::kAdditional, 41, 0, "", 1232);
    CHECK(Read(pointed).verdict == Verdict::FormErr);
}

TEST_CASE("a signed query is not authenticated; TSIG stands last, and once") {
    const Read read(with_tsig(question_of_type().opt()));
    CHECK(read.verdict == Verdict::NotAuth);
    CHECK(read.query.has_edns);
    CHECK(Read(with_tsig(question_of_type())).verdict == Verdict::NotAuth);
    CHECK(Read(with_tsig(question_of_type(252))).verdict == Verdict::NotAuth);
    CHECK(Read(with_tsig(question_of_type()).opt()).verdict == Verdict::FormErr);
    CHECK(Read(with_tsig(with_tsig(question_of_type()))).verdict == Verdict::FormErr);
}

TEST_CASE("at most two additional records") {
    const auto other = [](WireMessage message) {
        return message.record(WireMessage::kAdditional, "a.", 1, 0, "abcd");
    };
    CHECK(Read(other(question_of_type())).verdict == Verdict::Ask);
    CHECK(Read(other(question_of_type()).opt()).verdict == Verdict::Ask);
    CHECK(Read(other(other(question_of_type())).opt()).verdict == Verdict::FormErr);
    CHECK(Read(question_of_type().opt().set_count(WireMessage::kAdditional, 65535)).verdict ==
          Verdict::FormErr);
}

TEST_CASE("a query is read anew each time") {
    const auto signed_octets = with_tsig(question_of_type().opt(4096, 0x8000)).octets();
    const auto plain_octets = WireMessage().question("b.", 1).octets();
    Query query;
    REQUIRE(parse_query(signed_octets, query) == Verdict::NotAuth);
    REQUIRE(parse_query(plain_octets, query) == Verdict::Ask);
    CHECK_FALSE(query.has_edns);
    CHECK_FALSE(query.dnssec_ok);
    CHECK(query.udp_size == 0);
    CHECK(query.name.wire() == "\1b\0"s);
    const auto header_only = WireMessage().octets();
    REQUIRE(parse_query(header_only, query) == Verdict::FormErr);
    CHECK_FALSE(query.has_question);
    CHECK(query.qname.empty());
}

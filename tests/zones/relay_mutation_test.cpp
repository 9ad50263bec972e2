#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/dns_judge.h"
#include "tests/support/wire_message.h"
#include "zones/relay.h"

using namespace zones;
using support::WireMessage;
using namespace std::string_literals;
using Message = std::vector<std::uint8_t>;

namespace {

Message original() {
    WireMessage message(0x8180);
    message.question("www.example.com.", 1);
    message.pointer(12).rest_of_record(WireMessage::kAnswer, 5, 60, "\3cdn\300\20"s);
    message.name("cdn.example.com.")
        .rest_of_record(WireMessage::kAnswer, 15, 60, "\0\12\2mx\300\20"s);
    message.pointer(16).rest_of_record(WireMessage::kAnswer, 33, 60, "\0\1\0\2\0\120\1s\300\20"s);
    message.pointer(16).rest_of_record(WireMessage::kAnswer, 35, 60, "\0\1\0\2\1s\3SIP\1!\1n\0"s);
    message.pointer(16).rest_of_record(WireMessage::kAuthority, 6, 60,
                                       "\2ns\300\20\5admin\300\20aaaabbbbccccddddeeee"s);
    message.record(WireMessage::kAdditional, "ns.example.com.", 65280, 60, "opaque");
    message.opt(1232, 0, "\0\12\0\2ab"s);
    return message.octets();
}

/// The structure that we write must be sound whatever came; rdata that we pass on as opaque is the
/// sender's, so ldns may dislike its inside but must find every record where it is.
void check_structure(const Message& message) {
    Reader reader(message, kHeaderSize);
    std::uint8_t name[kMaxNameLength];
    for (std::size_t s = 0; s < 4; ++s) {
        for (int i = read_u16(&message[4 + 2 * s]); i > 0; --i) {
            REQUIRE(reader.name(name) > 0);
            reader.octets(s == 0 ? 4 : 8);
            if (s > 0) {
                reader.octets(reader.u16());
            }
        }
    }
    REQUIRE(reader.at_end());
}

}  // namespace

TEST_CASE("mutated replies: every read stays within bounds, and what is written is sound") {
    std::mt19937 random(53);
    const Message seed = original();
    const auto asked = WireMessage().question("www.example.com.", 1).opt().octets();
    Query query;
    REQUIRE(parse_query(asked, query) == Verdict::Ask);
    int good = 0, bad = 0;
    Message buffer(2048);  // what one reply leaves, the next one finds
    for (int round = 0; round < 60000; ++round) {
        Message message = seed;
        for (auto changes = 1 + random() % 3; changes > 0; --changes) {
            const std::size_t at = 2 + random() % (message.size() - 2);
            const auto kind = random() % 5;
            if (kind == 0) {
                message.resize(at);
                break;
            }
            message[at] = kind == 1   ? std::uint8_t{0xc0}
                          : kind == 2 ? static_cast<std::uint8_t>(random() % 8)
                                      : static_cast<std::uint8_t>(random());
        }
        message.shrink_to_fit();  // so that a read past the end is seen
        const auto reply = parse_upstream_reply(message);
        MessageWriter out(buffer);
        out.begin(query, random() % 2 == 0 ? 512U : 2048U);
        if (!reply || !relay_records(*reply, {}, out)) {
            ++bad;
            continue;
        }
        ++good;
        const std::size_t size = out.finish(reply->rcode, 0, 0);
        check_structure({buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)});
    }
    CHECK(good > 5000);
    CHECK(bad > 5000);
}

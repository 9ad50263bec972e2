#include "zones/extended_error.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/wire_message.h"

using namespace zones;
using support::WireMessage;
using namespace std::string_literals;

namespace {

WireMessage reply_with_sections() {
    return WireMessage(0x8180)
        .question("a.test.", 1)
        .record(WireMessage::kAnswer, "a.test.", 1, 60, "\1\2\3\4")
        .record(WireMessage::kAuthority, "test.", 2, 60, "\2ns\0"s)
        .record(WireMessage::kAdditional, "ns.", 1, 60, "\1\2\3\4");
}

/// "15 why"; empty: none.
std::string said(const WireMessage& message) {
    const auto octets = message.octets();
    const auto parsed = parse_upstream_reply(octets);
    const auto error = find_extended_error(parsed.value());
    return error ? std::to_string(error->code) + " " + std::string(error->text) : "";
}

}  // namespace

TEST_CASE("an Extended DNS Error, wherever the OPT record and the option stand") {
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\5\0\17why"s)) == "15 why");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\3\0\1x\0\17\0\5\0\17why\0\3\0\0"s)) ==
          "15 why");
    CHECK(said(reply_with_sections()
                   .opt(512, 0, "\0\17\0\2\0\26"s)
                   .record(WireMessage::kAdditional, "b.", 1, 60, "\1\2\3\4")) == "22 ");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\5\0\0why"s)) == "0 why");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\6\0\17why\0"s)) ==
          "15 why");  // ends with NUL
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\2\0\0\0\17\0\2\0\6"s)) ==
          "6 ");  // the first says nothing
}

TEST_CASE("no Extended DNS Error") {
    CHECK(said(WireMessage(0x8180).question("a.", 1)) == "");
    CHECK(said(reply_with_sections()) == "");
    CHECK(said(reply_with_sections().opt()) == "");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\3\0\1x"s)) == "");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\2\0\0"s)) == "");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\1\0"s)) == "");
    CHECK(said(reply_with_sections().opt(512, 0, "\0\17\0\5\0\17wh"s)) == "");
    CHECK(said(reply_with_sections()
                   .opt(512, 0, "\0\17\0\5\0\17why"s)
                   .set_count(WireMessage::kAnswer, 9)) == "");
    // What looks like one in another section is none.
    CHECK(said(WireMessage(0x8180)
                   .question("a.", 1)
                   .record(WireMessage::kAnswer, ".", 41, 0, "\0\17\0\5\0\17why"s, 512)
                   .record(WireMessage::kAdditional, "b.", 1, 60, "\1\2\3\4")) == "");
}

#include "zones/reply_text.h"

#include <doctest/doctest.h>

namespace zones {
namespace {

using Texts = std::vector<std::string>;
using namespace std::string_literals;

/// A reply with the question `a.test. A`; `records` count as answers.
std::vector<std::uint8_t> reply_octets(const std::string& records, std::uint8_t answers,
                                       std::uint8_t additional = 0, std::uint8_t rcode = 0) {
    const std::string head = "\0\1\x84"s + static_cast<char>(rcode) + "\0\1\0"s +
                             static_cast<char>(answers) + "\0\0\0"s + static_cast<char>(additional);
    const std::string all = head + "\1a\4test\0\0\1\0\1"s + records;
    return {all.begin(), all.end()};
}

/// Of the name of the question.
std::string record(std::uint8_t type, const std::string& rdata) {
    return "\xc0\x0c\0"s + static_cast<char>(type) + "\0\1\0\0\0\5\0"s +
           static_cast<char>(rdata.size()) + rdata;
}

std::string record_text(std::uint8_t type, const std::string& rdata) {
    const auto text = read_reply_text(reply_octets(record(type, rdata), 1));
    REQUIRE(text);
    REQUIRE(text->records.size() == 1);
    return text->records[0].line();
}

}  // namespace

TEST_CASE("reply text: rdata that clusters have") {
    CHECK(record_text(1, "\xc0\0\2\1"s) == "a.test. 5 IN A 192.0.2.1");
    CHECK(record_text(28, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s) ==
          "a.test. 5 IN AAAA 2001:db8::1");
    CHECK(record_text(5, "\1b\xc0\x0e"s) == "a.test. 5 IN CNAME b.test.");
    CHECK(record_text(12, "\xc0\x0c"s) == "a.test. 5 IN PTR a.test.");
    CHECK(record_text(33, "\0\0\0\x64\0\x50\xc0\x0c"s) == "a.test. 5 IN SRV 0 100 80 a.test.");
    CHECK(record_text(15, "\0\x0a\xc0\x0c"s) == "a.test. 5 IN MX 10 a.test.");
    CHECK(record_text(16, "\3a\"b\2\x1b\\"s) == R"(a.test. 5 IN TXT "a\"b" "\027\\")");
    CHECK(record_text(6, "\xc0\x0c\xc0\x0e\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"s) ==
          "a.test. 5 IN SOA a.test. test. 1 2 3 4 5");
}

TEST_CASE("reply text: what is not known, or not as it must be, is in hex") {
    CHECK(record_text(65, "\0\1\0"s) == "a.test. 5 IN HTTPS \\# 3 000100");
    CHECK(record_text(1, "\1\2\3"s) == "a.test. 5 IN A \\# 3 010203");
    CHECK(record_text(5, "\1b\xc0\x0e\0"s) == "a.test. 5 IN CNAME \\# 5 0162c00e00");
    CHECK(record_text(33, "\0\0"s) == "a.test. 5 IN SRV \\# 2 0000");
    CHECK(record_text(16, "\5ab"s) == "a.test. 5 IN TXT \\# 3 056162");
    CHECK(record_text(16, ""s) == "a.test. 5 IN TXT ");
    CHECK(record_text(5, "\xc0\xff"s) == "a.test. 5 IN CNAME \\# 2 c0ff");
}

TEST_CASE("reply text: rcode, flags, sections, and the extended error") {
    const std::string opt = "\0\0\x29\4\xd0\1\0\0\0\0\x0a\0\x0f\0\6\0\x0eno\x1b!"s;
    const auto text = read_reply_text(reply_octets(record(1, "\xc0\0\2\1"s) + opt, 1, 1, 2));
    REQUIRE(text);
    CHECK(text->rcode == 18);
    CHECK(text->edns);
    CHECK(text->extended_error == 14);
    CHECK(text->extended_text == "no?!");
    CHECK(text->count(Section::Answer) == 1);
    CHECK(text->count(Section::Additional) == 0);
    CHECK(flags_text(0x84, 0x80) == "qr aa ra");
    CHECK(flags_text(0x03, 0x30) == "tc rd ad cd");
    CHECK(flags_text(0, 0).empty());
}

TEST_CASE("reply text: a message that is cut anywhere is none, and nothing is read beyond") {
    const auto whole =
        reply_octets(record(33, "\0\0\0\x64\0\x50\xc0\x0c"s) + record(1, "\xc0\0\2\1"s), 2);
    REQUIRE(read_reply_text(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::vector<std::uint8_t> cut(whole.begin(),
                                            whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(read_reply_text(cut));
    }
}

}  // namespace zones

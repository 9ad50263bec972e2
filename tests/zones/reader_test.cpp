#include "zones/reader.h"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <ldns/ldns.h>

#include "tests/support/wire_message.h"

using namespace zones;
using support::WireMessage;

namespace {

struct NameAt {
    std::string text;  // "none" if the reader refused it
    std::size_t end = 0;
};

NameAt read_name(const std::vector<std::uint8_t>& message, std::size_t at) {
    Reader reader(message, at);
    std::uint8_t out[kMaxNameLength];
    const std::size_t length = reader.name(out);
    CHECK(reader.failed() == (length == 0));
    return {length == 0 ? "none" : to_string(as_text({out, length})), reader.at()};
}

std::string ldns_name(const std::vector<std::uint8_t>& message, std::size_t& at) {
    ldns_rdf* rdf = nullptr;
    if (ldns_wire2dname(&rdf, message.data(), message.size(), &at) != LDNS_STATUS_OK) {
        return "none";
    }
    const std::string wire(reinterpret_cast<const char*>(ldns_rdf_data(rdf)), ldns_rdf_size(rdf));
    ldns_rdf_deep_free(rdf);
    return to_string(wire);
}

}  // namespace

TEST_CASE("numbers and octets within bounds") {
    const std::vector<std::uint8_t> message = {1, 2, 3, 4, 5, 6, 7};
    Reader reader(message);
    CHECK(reader.u8() == 1);
    CHECK(reader.u16() == 0x0203);
    CHECK(reader.u32() == 0x04050607);
    CHECK(reader.at_end());
    CHECK_FALSE(reader.failed());
    CHECK(reader.u8() == 0);
    CHECK(reader.failed());
    CHECK_FALSE(reader.at_end());
}

TEST_CASE("a read past the end takes nothing, and every later one fails too") {
    const std::vector<std::uint8_t> message = {1, 2, 3};
    Reader reader(message);
    CHECK(reader.octets(4).empty());
    CHECK(reader.failed());
    CHECK(reader.u8() == 0);
    CHECK(Reader(message, 3).at_end());
    CHECK(Reader(message, 4).failed());
    Reader longest(message, 1);
    CHECK(longest.octets(static_cast<std::size_t>(-1)).empty());
    CHECK(longest.failed());
}

TEST_CASE("plain names have no pointers and end in time") {
    const auto plain = [](const WireMessage& message) {
        Reader reader(message.octets(), kHeaderSize);
        const auto name = reader.plain_name();
        return reader.failed() ? std::string("none") : to_string(name);
    };
    CHECK(plain(WireMessage().name("WWW.example.")) == "WWW.example.");
    CHECK(plain(WireMessage().name(".")) == ".");
    CHECK(plain(WireMessage().labels("a.").pointer(12)) == "none");
    CHECK(plain(WireMessage().labels("a.")) == "none");
    CHECK(plain(WireMessage().u8(64).raw(std::string(64, 'x')).u8(0)) == "none");
    CHECK(plain(WireMessage().u8(5).raw("abc")) == "none");
}

TEST_CASE("compressed names") {
    WireMessage message;
    message.name("www.example.com.");  // at 12
    const std::size_t second = message.size();
    message.labels("ns.").pointer(16);  // ns.example.com.
    const std::size_t third = message.size();
    message.pointer(second);
    CHECK(read_name(message.octets(), 12).text == "www.example.com.");
    CHECK(read_name(message.octets(), second).text == "ns.example.com.");
    CHECK(read_name(message.octets(), second).end == third);
    CHECK(read_name(message.octets(), third).text == "ns.example.com.");
    CHECK(read_name(message.octets(), third).end == message.size());
}

TEST_CASE("a pointer goes back, before the labels that it ends") {
    CHECK(read_name(WireMessage().pointer(12).octets(), 12).text == "none");  // itself
    CHECK(read_name(WireMessage().labels("a.").pointer(12).octets(), 12).text == "none");
    CHECK(read_name(WireMessage().labels("a.").pointer(13).octets(), 12).text == "none");
    CHECK(read_name(WireMessage().pointer(14).u8(0).octets(), 12).text == "none");  // forward
    CHECK(read_name(WireMessage().pointer(0x3fff).octets(), 12).text == "none");
    // Two that point at each other.
    CHECK(read_name(WireMessage().pointer(14).pointer(12).octets(), 14).text == "none");
    CHECK(read_name(WireMessage().u8(0xc0).octets(), 12).text == "none");  // cut short
}

TEST_CASE("label types 01 and 10 are refused") {
    for (const unsigned first : {0x40U, 0x41U, 0x7fU, 0x80U, 0xbfU}) {
        WireMessage message;
        message.u8(first).raw(std::string(200, '\1')).u8(0);
        CHECK(read_name(message.octets(), 12).text == "none");
        Reader skipping(message.octets(), 12);
        skipping.skip_name();
        CHECK(skipping.failed());
    }
}

TEST_CASE("a chain of 16 pointers is followed, one of 17 is not") {
    for (const std::size_t links : {1U, 16U, 17U}) {
        WireMessage message;
        message.name("a.");
        std::size_t last = 12;
        for (std::size_t i = 0; i < links; ++i) {
            const std::size_t here = message.size();
            message.pointer(last);
            last = here;
        }
        CAPTURE(links);
        CHECK(read_name(message.octets(), last).text == (links <= 16 ? "a." : "none"));
    }
}

TEST_CASE("255 octets are a name, 256 are not, compressed or plain") {
    const std::string half = std::string(63, 'a') + '.' + std::string(62, 'b') + '.';  // 127 octets
    for (const std::size_t extra : {0U, 1U}) {
        WireMessage message;
        message.name(half);  // 128 octets with the root
        const std::size_t at = message.size();
        const std::string front = std::string(63, 'c') + '.' + std::string(62 + extra, 'd') + '.';
        message.labels(front).pointer(12);
        CAPTURE(extra);
        CHECK(read_name(message.octets(), at).text == (extra == 0 ? front + half : "none"));
        const auto plain = WireMessage().name(front + half).octets();
        CHECK(read_name(plain, 12).text == (extra == 0 ? front + half : "none"));
        Reader reader(plain, 12);
        reader.plain_name();
        CHECK(reader.failed() == (extra == 1));
    }
}

TEST_CASE("skipping a name ends where reading it does") {
    WireMessage message;
    message.name("www.example.com.").labels("x.").pointer(12).u16(0xffff);
    for (const std::size_t at : {12U, 29U, 31U}) {
        Reader skipping(message.octets(), at);
        skipping.skip_name();
        CHECK(skipping.at() == read_name(message.octets(), at).end);
    }
    const auto cut_short = WireMessage().labels("abc.").octets();
    Reader cut(cut_short, 12);
    cut.skip_name();
    CHECK(cut.failed());
}

TEST_CASE("names from random octets: within bounds, and as ldns reads them") {
    std::mt19937 random(4);
    int read = 0;
    for (int round = 0; round < 50000; ++round) {
        std::vector<std::uint8_t> message(13 + random() % 60);
        for (auto& octet : message) {  // mostly short labels, ends and pointers
            const auto kind = random() % 8;
            octet = static_cast<std::uint8_t>(kind == 0   ? random()
                                              : kind == 1 ? 0xc0
                                              : kind < 4  ? random() % 4
                                                          : random() % 64);
        }
        message[0] = 0xff;  // ldns follows no pointer to 0
        const std::size_t at = random() % message.size();
        const NameAt ours = read_name(message, at);
        if (ours.text == "none") {
            continue;  // ours is the stricter
        }
        ++read;
        std::size_t end = at;
        REQUIRE(ldns_name(message, end) == ours.text);
        REQUIRE(end == ours.end);
    }
    CHECK(read > 2000);
}

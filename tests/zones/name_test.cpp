#include "zones/name.h"

#include <algorithm>
#include <random>
#include <string>

#include <doctest/doctest.h>
#include <ldns/ldns.h>

using namespace zones;
using namespace std::string_literals;

namespace {

std::string wire_of(const std::string& text) {
    const auto name = Name::parse(text);
    return name ? std::string(name->wire()) : "none";
}

/// Labels of `length` octets until the name has `size` octets in all.
std::string long_name(std::size_t size) {
    std::string text;
    for (std::size_t left = size - 1; left > 0;) {
        const std::size_t label = std::min<std::size_t>(left - 1, left == 65 ? 62 : 63);
        text += std::string(label, 'a') + '.';
        left -= label + 1;
    }
    return text;
}

}  // namespace

TEST_CASE("names are parsed with or without the final dot") {
    CHECK(wire_of(".") == "\0"s);
    CHECK(wire_of("a") == "\1a\0"s);
    CHECK(wire_of("a.") == "\1a\0"s);
    CHECK(wire_of("www.Example.com") == "\3www\7Example\3com\0"s);
    CHECK(Name().is_root());
    CHECK(Name().to_string() == ".");
    for (const std::string bad : {"", "..", ".a", "a..", "a..b", ". ", "a. ."}) {
        CAPTURE(bad);
        const bool spaces = bad.find(' ') != std::string::npos && bad != ". ";
        CHECK(Name::parse(bad).has_value() == spaces);
    }
}

TEST_CASE("escapes of presentation form (RFC 1035 section 5.1)") {
    CHECK(wire_of("a\\.b.c") == "\3a.b\1c\0"s);
    CHECK(wire_of("\\097\\000\\255.") == "\3a\0\377\0"s);
    CHECK(wire_of("\\\\.") == "\1\\\0"s);
    CHECK(wire_of("a\\ b") == "\3a b\0"s);
    for (const std::string bad : {"\\", "a\\", "\\1", "\\12", "\\12a", "\\256", "\\999", "\\1.2"}) {
        CAPTURE(bad);
        CHECK_FALSE(Name::parse(bad).has_value());
    }
}

TEST_CASE("a label has at most 63 octets, escaped ones counted once") {
    CHECK(Name::parse(std::string(63, 'a')).has_value());
    CHECK_FALSE(Name::parse(std::string(64, 'a')).has_value());
    std::string escaped;
    for (int i = 0; i < 63; ++i) {
        escaped += "\\097";
    }
    CHECK(Name::parse(escaped).has_value());
    CHECK_FALSE(Name::parse(escaped + "\\097").has_value());
    CHECK_FALSE(Name::parse("x." + std::string(64, 'a') + ".y").has_value());
}

TEST_CASE("a name has at most 255 octets, the root label included") {
    for (const std::size_t size : {253U, 254U, 255U}) {
        const auto name = Name::parse(long_name(size));
        REQUIRE(name.has_value());
        CHECK(name->size() == size);
    }
    CHECK_FALSE(Name::parse(long_name(256)).has_value());
    CHECK_FALSE(Name::parse(long_name(1000)).has_value());
}

TEST_CASE("127 labels of one octet are a name, 128 are not") {
    std::string text;
    for (int i = 0; i < 127; ++i) {
        text += "a.";
    }
    const auto name = Name::parse(text);
    REQUIRE(name.has_value());
    CHECK(name->label_count() == 127);
    LoweredName lowered;
    lowered.assign(name->wire());
    CHECK(lowered.labels == 127);
    CHECK(lowered.size == 255);
    CHECK(lowered.suffix(127) == "\0"s);
    CHECK_FALSE(Name::parse(text + "a.").has_value());
}

TEST_CASE("from wire octets that they fill exactly") {
    CHECK(Name::from_wire("\0"s)->is_root());
    CHECK(Name::from_wire("\1a\0"s)->to_string() == "a.");
    const std::string longest(Name::parse(long_name(255))->wire());
    CHECK(Name::from_wire(longest)->wire() == longest);
    for (const std::string& bad : {""s, "\1a"s, "\2a\0"s, "\1a\0x"s, "\0\0"s, "\300\0"s,
                                   "\100"s + std::string(64, 'a') + "\0"s, "\1a"s + longest}) {
        CAPTURE(bad);
        CHECK_FALSE(Name::from_wire(bad).has_value());
    }
}

TEST_CASE("at or below a zone goes by labels, not by letters") {
    const auto below = [](const char* name, const char* zone) {
        return Name::parse(name)->is_at_or_below(*Name::parse(zone));
    };
    CHECK(below("cluster.local", "cluster.local"));
    CHECK(below("a.b.Cluster.LOCAL", "cluster.local."));
    CHECK(below("a.b", "."));
    CHECK(below(".", "."));
    CHECK_FALSE(below("local", "cluster.local"));
    CHECK_FALSE(below("mycluster.local", "cluster.local"));
    CHECK_FALSE(below("cluster.local.org", "cluster.local"));
    CHECK_FALSE(below("x\\007cluster.local", "cluster.local"));  // ends in the zone's octets
    CHECK_FALSE(below(".", "local"));
}

TEST_CASE("case folds for ASCII letters only (RFC 4343)") {
    for (int c = 0; c < 256; ++c) {
        const auto octet = static_cast<std::uint8_t>(c);
        CHECK(to_lower(octet) == (c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    CHECK(equal_fold("aBc", "AbC"));
    CHECK_FALSE(equal_fold("abc", "abcd"));
    CHECK_FALSE(equal_fold("[", "{"));
    CHECK_FALSE(equal_fold("\304", "\344"));
    CHECK(*Name::parse("WWW.Example") == *Name::parse("www.eXAMPLE"));
    CHECK_FALSE(*Name::parse("www.example") == *Name::parse("ww.example"));
    CHECK(Name::parse("A\\200Z.X")->lowered().to_string() == "a\\200z.x.");
}

TEST_CASE("a lowered name knows its labels and suffixes") {
    LoweredName name;
    name.assign(Name::parse("WWW.Ex\\.Ample.c")->wire());
    CHECK(name.labels == 3);
    CHECK(name.label(0) == "www");
    CHECK(name.label(1) == "ex.ample");
    CHECK(name.suffix(2) == "\1c\0"s);
    CHECK(name.suffix(3) == "\0"s);
    name.assign("\0"s);
    CHECK(name.labels == 0);
    CHECK(name.wire() == "\0"s);
}

TEST_CASE("every octet is lowered as on its own, in names of every length") {
    std::uint8_t octet = 0;
    for (std::size_t length = 2; length <= kMaxNameLength; ++length) {
        std::string wire;
        while (wire.size() + 1 < length) {
            const std::size_t label = std::min(length - wire.size() - 2, kMaxLabelLength);
            wire += static_cast<char>(label == 0 ? 1 : label);
            for (std::size_t i = 0; i < label; ++i) {
                wire += static_cast<char>(octet++);
            }
        }
        if (wire.size() + 1 != length) {
            continue;  // the last label would be empty
        }
        wire += '\0';
        LoweredName name;
        name.assign(wire);
        CAPTURE(length);
        REQUIRE(name.wire() == to_lower(wire));
    }
}

TEST_CASE("host labels") {
    for (const char* good : {"a", "0", "a-b", "A--9"}) {
        CAPTURE(good);
        CHECK(is_host_label(good));
    }
    for (const char* bad : {"", "-", "-a", "a-", "a.b", "a_b", "\303\244", "a b"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_host_label(bad));
    }
    CHECK(is_host_label(std::string(63, 'x')));
    CHECK_FALSE(is_host_label(std::string(64, 'x')));
}

TEST_CASE("text of random names reads back, here and in ldns") {
    std::mt19937 random(20);
    for (int round = 0; round < 2000; ++round) {
        std::string wire;
        while (wire.size() < 200 && random() % 5 != 0) {
            const auto length = static_cast<char>(1 + random() % 20);
            wire += length;
            for (char i = 0; i < length; ++i) {
                wire += static_cast<char>(random() % 256);
            }
        }
        wire += '\0';
        const std::string text = to_string(wire);
        CAPTURE(text);
        REQUIRE(Name::parse(text).has_value());
        CHECK(Name::parse(text)->wire() == wire);
        ldns_rdf* rdf = ldns_dname_new_frm_str(text.c_str());
        REQUIRE(rdf != nullptr);
        const std::string judged(reinterpret_cast<const char*>(ldns_rdf_data(rdf)),
                                 ldns_rdf_size(rdf));
        ldns_rdf_deep_free(rdf);
        CHECK(judged == wire);
    }
}

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "tests/server/template_answers.h"
#include "tests/server/template_examples.h"

namespace server {
namespace {

using namespace testing;
using namespace std::string_literals;

Octets query_of(const std::string& wire, std::uint16_t type) {
    Octets query = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    query.insert(query.end(), wire.begin(), wire.end());
    query.insert(query.end(),
                 {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type), 0, 1});
    return query;
}

/// A label and its length octet, of octets that presentation form, quotes or Go could trip over.
std::string random_label(std::mt19937& random, std::size_t most) {
    static constexpr char kOdd[] = "\"\\;()@$. \t\n\r\0{}#*-_/0123456789abcIP\x7f\xff\x80";
    const std::size_t size = 1 + random() % std::min<std::size_t>(most, 63);
    std::string label(1, static_cast<char>(size));
    const auto kind = random() % 3;
    for (std::size_t i = 0; i < size; ++i) {
        label += kind == 0 ? static_cast<char>(random())
                           : kOdd[random() % (kind == 1 ? sizeof kOdd - 1 : 14)];
    }
    return label;
}

/// A name in `zone` (wire form), of up to 255 octets.
std::string random_name(std::mt19937& random, const std::string& zone) {
    std::string name;
    const bool long_one = random() % 4 == 0;
    const auto labels = long_one ? 127 : random() % 4;
    for (std::size_t i = 0; i < labels && name.size() + zone.size() + 3 < 255; ++i) {
        name += random_label(
            random, std::min<std::size_t>(255 - zone.size() - name.size() - 1, long_one ? 63 : 8));
    }
    return name + zone;
}

TEST_CASE("names of odd octets: whatever comes, whole records or none") {
    std::mt19937 random(71);
    const auto templates =
        templates_from(std::string(kEcho) + kDynamicZone + kBlocked + kSearchDomain + kAddresses +
                       kTwoPatterns + kMail + kAlias + kAzure +
                       "template IN ANY . {\nanswer \"{{ .Name }} IN TXT {{ .Name }}\"\n}");
    const std::vector<std::string> zone_names = {
        "\4echo\0"s,          "\3dyn\4test\0"s,       "\7invalid\0"s,     "\7example\0"s,
        "\7in-addr\4arpa\0"s, "\3dc1\4corp\4test\0"s, "\6foogle\3com\0"s, "\0"s};
    int answered = 0, failed = 0, next = 0;
    for (int round = 0; round < 30000; ++round) {
        const std::string& zone = zone_names[random() % zone_names.size()];
        const std::uint16_t types[] = {1, 2, 6, 12, 15, 16, 28, 255};
        const auto message = query_of(random_name(random, zone), types[random() % 8]);
        const auto answer = ask(*templates, message);  // the judge throws if it is malformed
        using Outcome = Templates::Outcome;
        next += answer.result.outcome == Outcome::NextPlugin ? 1 : 0;
        if (answer.result.outcome == Outcome::Failed) {
            ++failed;
            REQUIRE_FALSE(answer.written);
        } else if (answer.result.outcome == Outcome::Answered) {
            ++answered;
            REQUIRE(answer.reply.answer.size() <= 2);
        }
    }
    CHECK(answered > 5000);
    CHECK(failed > 1000);
    CHECK(next == 0);  // the last template takes every name
}

TEST_CASE("nothing of a name ends the word or the string it stands in") {
    const auto templates = templates_from(kEcho);
    // A label that would be two records, were it not escaped.
    const std::string label = "x\" 1 in a 192.0.2.1\n; \\";
    const std::string wire = std::string(1, static_cast<char>(label.size())) + label + "\4echo\0"s;
    const auto answer = ask(*templates, query_of(wire, 16));
    const std::string name = zones::to_string(wire);
    REQUIRE(answer.outcome == "NOERROR");
    REQUIRE(answer.reply.answer.size() == 2);
    const auto& messages = answer.reply.answer;
    // The strings hold the octets of the name's text, once its escapes are taken away.
    CHECK(messages[0].ends_with(
        R"( 60 IN TXT "x\" 1 in a 192.0.2.1\010; \\.echo." "x\" 1 in a 192.0.2.1\010; \\.echo.")"));
    CHECK(messages[1].ends_with(R"( 60 IN TXT "x" "\" 1 in a 192.0.2.1\010; \\.")"));
    CHECK(answer.reply.additional.size() == 1);
}

TEST_CASE("a name of 255 octets that all need escapes") {
    std::string wire;
    for (int i = 0; i < 3; ++i) {
        wire += "\x3f" + std::string(63, '\0');
    }
    wire += "\x38" + std::string(56, '\xff') + "\4echo\0"s;
    REQUIRE(wire.size() == 255);
    const auto templates =
        templates_from("template IN PTR echo {\nanswer \"{{ .Name }} PTR {{ .Name }}\"\n}");
    const auto answer = ask(*templates, query_of(wire, 12));
    REQUIRE(answer.outcome == "NOERROR");
    CHECK(answer.reply.size == 12 + 259 + 2 + 10 + 255);
}

}  // namespace
}  // namespace server

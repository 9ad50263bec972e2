#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/query_judge.h"
#include "tests/support/wire_message.h"
#include "zones/query.h"

using namespace zones;
using support::WireMessage;
using Message = std::vector<std::uint8_t>;
using namespace std::string_literals;

namespace {

std::vector<Message> seeds() {
    const auto question = [](unsigned qtype) {
        return WireMessage().question("Kubia.default.svc.cluster.local.", qtype);
    };
    return {question(1).octets(),
            question(28).opt(1232, 0x8000).octets(),
            question(33).opt(4096, 0, "\0\12\0\10abcdefgh\0\3\0\0"s).octets(),
            question(251)
                .record(WireMessage::kAuthority, "a.", 6, 0, "\0\0aaaabbbbccccddddeeee"s)
                .octets(),
            question(1).opt().record(WireMessage::kAdditional, "k.", 250, 0, "x", 255).octets(),
            WireMessage().question(".", 2).octets(),
            WireMessage(0x2800).octets()};
}

/// A few changes of the kinds that break parsers.
void mutate(Message& message, std::mt19937& random) {
    const auto place = [&] { return static_cast<std::ptrdiff_t>(random() % message.size()); };
    for (auto changes = 1 + random() % 4; changes > 0 && !message.empty(); --changes) {
        switch (random() % 6) {
            case 0:
                message[random() % message.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
                break;
            case 1:
                message[random() % message.size()] = static_cast<std::uint8_t>(random());
                break;
            case 2:
                message.resize(random() % message.size());
                break;
            case 3:
                message.insert(message.begin() + place(), static_cast<std::uint8_t>(random()));
                break;
            case 4:
                message.erase(message.begin() + place());
                break;
            default:
                message[random() % message.size()] = random() % 2 == 0 ? 0xc0 : 0x3f;
        }
    }
}

}  // namespace

TEST_CASE("mutated queries: what we accept, ldns accepts, with the same question") {
    std::mt19937 random(1053);
    const auto originals = seeds();
    int accepted = 0, refused = 0;
    for (int round = 0; round < 60000; ++round) {
        Message message = originals[random() % originals.size()];
        mutate(message, random);
        message.shrink_to_fit();  // so that a read past the end is seen
        Query query;
        const Verdict verdict = parse_query(message, query);
        if (verdict == Verdict::Drop) {
            continue;
        }
        REQUIRE(support::inconsistency(message, query) == "");
        const bool taken = verdict == Verdict::Ask;
        ++(taken ? accepted : refused);
        if (taken && message.size() > kHeaderSize) {
            REQUIRE(support::disagreement(message, query) == "");
        }
    }
    CHECK(accepted > 2000);
    CHECK(refused > 5000);
}

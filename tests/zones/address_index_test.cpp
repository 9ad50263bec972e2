#include "zones/address_index.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "zones/address.h"

using namespace zones;
using Index = AddressIndex<Ipv4>;
using Entries = std::vector<Index::Entry>;

namespace {

Ipv4 at(std::uint32_t number) {
    return {{static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
             static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
}

std::vector<std::uint64_t> keys_of(const Index& index, const Ipv4& address) {
    std::vector<std::uint64_t> keys;
    index.for_each(address, [&](std::uint64_t key) {
        keys.push_back(key);
        return true;
    });
    return keys;
}

/// Every question the index answers, against a plain set.
void check_equal(const Index& index, const std::set<Index::Entry>& model, std::uint32_t space) {
    REQUIRE(index.size() == model.size());
    for (std::uint32_t number = 0; number < space; ++number) {
        std::vector<std::uint64_t> keys;
        for (auto entry = model.lower_bound(Index::Entry(at(number), 0));
             entry != model.end() && entry->address == at(number); ++entry) {
            keys.push_back(entry->key());
        }
        REQUIRE(keys_of(index, at(number)) == keys);
    }
}

bool model_between(const std::set<Index::Entry>& model, const Ipv4& first, const Ipv4& last) {
    const auto entry = model.lower_bound(Index::Entry(first, 0));
    return entry != model.end() && entry->address <= last;
}

}  // namespace

TEST_CASE("an empty index has nothing") {
    const Index index;
    CHECK(index.size() == 0);
    CHECK(keys_of(index, at(1)).empty());
    CHECK_FALSE(index.contains(at(0), 0));
    CHECK_FALSE(index.any_between(at(0), at(0xffffffff)));
    CHECK(index.edited({}, {Index::Entry(at(1), 1)}).size() == 0);
}

TEST_CASE("keys of 64 bits at one address come in order, until the visitor has enough") {
    const Index index = Index().edited(
        {{at(7), 3}, {at(7), 0xffffffffffffffffU}, {at(7), 0x100000000U}, {at(8), 1}}, {});
    CHECK(keys_of(index, at(7)) ==
          std::vector<std::uint64_t>{3, 0x100000000U, 0xffffffffffffffffU});
    int visits = 0;
    index.for_each(at(7), [&](std::uint64_t) { return ++visits < 2; });
    CHECK(visits == 2);
}

TEST_CASE("an entry both removed and added is there; removing twice is once") {
    const Index::Entry entry(at(5), 9);
    CHECK(Index().edited({entry}, {entry}).size() == 1);
    const Index index = Index().edited({entry}, {});
    CHECK(index.edited({entry}, {entry}).contains(at(5), 9));
    CHECK(index.edited({}, {entry, entry}).size() == 0);
}

TEST_CASE("bug: adding an entry twice in one edit is once") {
    const Index::Entry entry(at(5), 9);
    CHECK(Index().edited({entry, entry}, {}).size() == 1);
}

TEST_CASE("an edit leaves the index it was made from as it was") {
    Entries many;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        many.emplace_back(at(2 * i), i);
    }
    const Index before = Index().edited(many, {});
    const Index after = before.edited({{at(501), 1}}, {{at(500), 250}, {at(0), 0}});
    CHECK(before.size() == 1000);
    CHECK(before.contains(at(500), 250));
    CHECK_FALSE(before.contains(at(501), 1));
    CHECK(after.size() == 999);
    CHECK_FALSE(after.contains(at(500), 250));
    CHECK(after.contains(at(501), 1));
    CHECK(after.contains(at(1998), 999));
}

TEST_CASE("keys of one address are found across chunks") {
    Entries many;
    for (std::uint64_t key = 0; key < 1000; ++key) {
        many.emplace_back(at(77), key);
    }
    const Index index = Index().edited(many, {}).edited({{at(76), 5}, {at(78), 5}}, {});
    CHECK(keys_of(index, at(77)).size() == 1000);
    CHECK(keys_of(index, at(76)).size() == 1);
    CHECK(index.contains(at(77), 999));
    CHECK_FALSE(index.contains(at(77), 1000));
}

TEST_CASE("random edits equal a plain set") {
    constexpr std::uint32_t kSpace = 700;
    std::mt19937 random(99);
    Index index;
    std::set<Index::Entry> model;
    const auto below = [&](std::uint32_t limit) {
        return static_cast<std::uint32_t>(random() % limit);
    };
    for (int round = 0; round < 400; ++round) {
        Entries added, removed;
        const std::size_t count = random() % 4 == 0 ? 300 : random() % 6;
        const bool shrink = random() % 3 == 0;
        for (std::size_t i = 0; i < count; ++i) {
            (shrink ? removed : added).emplace_back(at(below(kSpace)), below(3));
            (random() % 5 == 0 ? added : removed).emplace_back(at(below(kSpace)), below(3));
        }
        std::sort(added.begin(), added.end());
        added.erase(std::unique(added.begin(), added.end()), added.end());
        index = index.edited(added, removed);
        for (const auto& entry : removed) {
            model.erase(entry);
        }
        model.insert(added.begin(), added.end());
        check_equal(index, model, kSpace);
        for (int i = 0; i < 20; ++i) {
            const std::uint32_t first = below(kSpace), last = first + below(8);
            REQUIRE(index.any_between(at(first), at(last)) ==
                    model_between(model, at(first), at(last)));
            const std::uint64_t key = random() % 3;
            REQUIRE(index.contains(at(first), key) == model.contains(Index::Entry(at(first), key)));
        }
    }
    CHECK(!model.empty());
}

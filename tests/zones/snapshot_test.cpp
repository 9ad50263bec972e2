#include "zones/snapshot.h"

#include <map>
#include <random>
#include <string>

#include <doctest/doctest.h>

using namespace zones;

namespace {

std::shared_ptr<ServiceRecords> records_of(std::uint64_t hash, std::string_view key = {}) {
    auto records = std::make_shared<ServiceRecords>();
    records->hash = hash;
    records->key = key;
    return records;
}

}  // namespace

TEST_CASE("an empty snapshot has nothing") {
    const Snapshot snapshot;
    CHECK(snapshot.find_service("\1a\1b") == nullptr);
    CHECK(snapshot.find_service(std::uint64_t{0}) == nullptr);
    CHECK_FALSE(snapshot.namespace_exposed("default"));
    CHECK_FALSE(snapshot.synced);
    CHECK(snapshot.serial == 0);
}

TEST_CASE("a shard takes records in, replaces and drops them, and copies stay apart") {
    const auto empty = std::make_shared<const ServiceShard>();
    const auto one = empty->with(256, records_of(256));
    const auto replacement = records_of(256);
    const auto replaced = one->with(256, replacement);
    const auto dropped = replaced->with(256, nullptr);
    CHECK(empty->size() == 0);
    CHECK(empty->find(256) == nullptr);
    CHECK(one->size() == 1);
    CHECK(one->find(256) != replacement.get());
    CHECK(replaced->find(256) == replacement.get());
    CHECK(replaced->size() == 1);
    CHECK(dropped->size() == 0);
    CHECK(dropped->find(256) == nullptr);
    CHECK(dropped->with(512, nullptr)->size() == 0);
}

TEST_CASE("hashes that fall on one slot are told apart") {
    std::shared_ptr<const ServiceShard> shard = std::make_shared<const ServiceShard>();
    for (std::uint64_t i = 0; i < 20; ++i) {
        shard = shard->with(i << 48, records_of(i << 48));  // equal low bits
    }
    CHECK(shard->size() == 20);
    for (std::uint64_t i = 0; i < 20; ++i) {
        REQUIRE(shard->find(i << 48) != nullptr);
        CHECK(shard->find(i << 48)->hash == i << 48);
    }
    CHECK(shard->find(std::uint64_t{20} << 48) == nullptr);
    shard = shard->with(0, nullptr);
    CHECK(shard->find(0) == nullptr);
    CHECK(shard->find(std::uint64_t{19} << 48) != nullptr);
}

TEST_CASE("random edits of a shard equal a map") {
    std::mt19937 random(5);
    std::shared_ptr<const ServiceShard> shard = std::make_shared<const ServiceShard>();
    std::map<std::uint64_t, const ServiceRecords*> model;
    for (int round = 0; round < 3000; ++round) {
        const std::uint64_t hash = (random() % 200) << (random() % 2 == 0 ? 8 : 50);
        if (random() % 3 == 0) {
            shard = shard->with(hash, nullptr);
            model.erase(hash);
        } else {
            const auto records = records_of(hash);
            model[hash] = records.get();
            shard = shard->with(hash, records);
        }
        REQUIRE(shard->size() == model.size());
        const auto known = model.find(hash);
        REQUIRE(shard->find(hash) == (known == model.end() ? nullptr : known->second));
    }
    for (const auto& [hash, records] : model) {
        CHECK(shard->find(hash) == records);
    }
}

TEST_CASE("a Service is found by its labels, not by their hash alone") {
    Snapshot snapshot;
    snapshot.key = {1, 2};
    const std::uint64_t hash = keyed_hash(snapshot.key, "\1a\1b");
    auto& shard = snapshot.shards[hash % Snapshot::kShards];
    shard = shard->with(hash, records_of(hash, "\1x\1y"));
    CHECK(snapshot.find_service("\1a\1b") == nullptr);
    shard = shard->with(hash, records_of(hash, "\1a\1b"));
    CHECK(snapshot.find_service("\1a\1b") != nullptr);
    CHECK(snapshot.find_service("\1a\1c") == nullptr);
}

TEST_CASE("namespaces are compared whole") {
    Snapshot snapshot;
    snapshot.namespaces = std::make_shared<const std::vector<std::string>>(
        std::vector<std::string>{"default", "prod", "prod-2"});
    CHECK(snapshot.namespace_exposed("prod"));
    CHECK(snapshot.namespace_exposed("prod-2"));
    CHECK_FALSE(snapshot.namespace_exposed("pro"));
    CHECK_FALSE(snapshot.namespace_exposed("prod-"));
    CHECK_FALSE(snapshot.namespace_exposed(""));
    CHECK_FALSE(snapshot.namespace_exposed("PROD"));
}

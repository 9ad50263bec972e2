#include "zones/zone_table.h"

#include <string>

#include <doctest/doctest.h>

using namespace zones;

namespace {

LoweredName lowered(const std::string& text) {
    LoweredName name;
    name.assign(Name::parse(text)->wire());
    return name;
}

ZoneTable table_of(std::initializer_list<const char*> zones) {
    ZoneTable table;
    std::size_t value = 0;
    for (const char* zone : zones) {
        REQUIRE(table.add(*Name::parse(zone), value++));
    }
    return table;
}

/// The value of the match, -1 for none.
int found(const ZoneTable& table, const std::string& name) {
    const auto match = table.find(lowered(name));
    return match ? static_cast<int>(match->value) : -1;
}

int parent_side(const ZoneTable& table, const std::string& name) {
    const auto match = table.find_parent_side(lowered(name));
    return match ? static_cast<int>(match->value) : -1;
}

}  // namespace

TEST_CASE("the longest zone wins") {
    const auto table = table_of({"local", "cluster.local", "svc.cluster.local", "example.com"});
    CHECK(found(table, "a.svc.cluster.local") == 2);
    CHECK(found(table, "svc.cluster.local") == 2);
    CHECK(found(table, "pod.cluster.local") == 1);
    CHECK(found(table, "cluster.local") == 1);
    CHECK(found(table, "local") == 0);
    CHECK(found(table, "example.com") == 3);
    CHECK(found(table, "com") == -1);
    CHECK(found(table, ".") == -1);
    CHECK(table.find(lowered("a.svc.cluster.local"))->labels == 3);
}

TEST_CASE("a zone matches by labels, not by letters") {
    const auto table = table_of({"cluster.local"});
    CHECK(found(table, "mycluster.local") == -1);
    CHECK(found(table, "x\\007cluster.local") == -1);
    CHECK(found(table, "cluster.local.org") == -1);
    CHECK(found(table, "a.cluster.local") == 0);
}

TEST_CASE("zones are found whatever the case they were added in") {
    const auto table = table_of({"Cluster.LOCAL"});
    CHECK(found(table, "a.cluster.local") == 0);
    CHECK(found(table, "A.CLUSTER.local") == 0);
}

TEST_CASE("the root matches everything that nothing else does") {
    const auto table = table_of({".", "cluster.local"});
    CHECK(found(table, ".") == 0);
    CHECK(found(table, "example.com") == 0);
    CHECK(found(table, "local") == 0);
    CHECK(found(table, "x.cluster.local") == 1);
    CHECK(table.find(lowered("example.com"))->labels == 0);
}

TEST_CASE("the same zone twice is refused, and the first stays") {
    ZoneTable table;
    CHECK(table.empty());
    CHECK(table.add(*Name::parse("a.b"), 1));
    CHECK_FALSE(table.add(*Name::parse("A.B."), 2));
    CHECK(found(table, "a.b") == 1);
    CHECK_FALSE(table.empty());
}

TEST_CASE("the parent side is the shortest zone but the root") {
    const auto table = table_of({".", "local", "cluster.local", "svc.cluster.local"});
    CHECK(parent_side(table, "a.svc.cluster.local") == 1);
    CHECK(parent_side(table, "svc.cluster.local") == 1);
    CHECK(parent_side(table, "local") == 1);
    CHECK(parent_side(table, "example.com") == 0);
    CHECK(parent_side(table, ".") == 0);
    CHECK(parent_side(table_of({"cluster.local"}), "example.com") == -1);
    CHECK(parent_side(ZoneTable(), "example.com") == -1);
    CHECK(found(ZoneTable(), ".") == -1);
}

TEST_CASE("many zones of one depth") {
    ZoneTable table;
    for (int i = 127; i >= 0; --i) {
        REQUIRE(table.add(*Name::parse(std::to_string(i) + ".1.168.192.in-addr.arpa"),
                          static_cast<std::size_t>(i)));
    }
    for (int i = 0; i < 128; ++i) {
        CHECK(found(table, "9." + std::to_string(i) + ".1.168.192.in-addr.arpa") == i);
    }
    CHECK(found(table, "128.1.168.192.in-addr.arpa") == -1);
}

#include "zones/service_records.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/objects.h"
#include "zones/record_builder.h"

using namespace zones;
using namespace support;

namespace {

std::shared_ptr<ServiceRecords> headless(std::vector<k8s_client::Endpoint> endpoints) {
    const auto subset = pack(k8s_client::EndpointSubset{std::move(endpoints), {}}, false);
    const PackedSubset* pointer = &subset;
    return build_records("\3web\4prod", pack(make_headless("prod", "web")), {&pointer, 1});
}

Strings addresses_of(const ServiceRecords& records, const std::string& label) {
    Strings found;
    const auto [named, by_address] = records.find_label(label);
    for (const auto part : {named, by_address}) {
        for (const auto& endpoint : part) {
            found.push_back(to_string(records.address_of(endpoint)));
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

TEST_CASE("endpoints are found by their label, several by one") {
    const auto records = headless({make_endpoint("10.0.0.1", "db"), make_endpoint("10.0.0.2", "db"),
                                   make_endpoint("fd00::1", "db"), make_endpoint("10.0.0.3", "da"),
                                   make_endpoint("10.0.0.4"), make_endpoint("fd00::2")});
    CHECK(addresses_of(*records, "db") == Strings{"10.0.0.1", "10.0.0.2", "fd00::1"});
    CHECK(addresses_of(*records, "da") == Strings{"10.0.0.3"});
    CHECK(addresses_of(*records, "10-0-0-4") == Strings{"10.0.0.4"});
    CHECK(addresses_of(*records, "fd00--2") == Strings{"fd00::2"});
    for (const char* none : {"", "d", "dbb", "dc", "10-0-0-5", "10-0-0-1", "fd00--1"}) {
        CAPTURE(none);
        CHECK(addresses_of(*records, none).empty());
    }
    CHECK(addresses_of(*headless({}), "10-0-0-4").empty());
}

TEST_CASE("an address has one spelling as a label") {
    const auto records = headless(endpoints_at({"10.0.0.4", "fd00::2", "2001:db8:1:2:3:4::"}));
    for (const char* other : {"10-0-0-04", "fd00-0--2", "fd00--0-2", "--ffff-10-0-0-4",
                              "2001-db8-1-2-3-4--", "2001-db8-1-2-3-4-0-0", "10.0.0.4"}) {
        CAPTURE(other);
        CHECK(addresses_of(*records, other).empty());
    }
    CHECK(addresses_of(*records, "2001-db8-1-2-3-4--0").size() == 1);
}

TEST_CASE("a hostname that looks like another endpoint's address means both") {
    const auto records =
        headless({make_endpoint("10.0.0.9", "10-0-0-4"), make_endpoint("10.0.0.4")});
    CHECK(addresses_of(*records, "10-0-0-4") == Strings{"10.0.0.4", "10.0.0.9"});
}

TEST_CASE("random endpoints: look-ups by label and by address miss nothing and add nothing") {
    std::mt19937 random(11);
    for (int round = 0; round < 200; ++round) {
        std::map<std::string, std::set<std::string>> by_label, by_address;
        std::vector<k8s_client::Endpoint> endpoints;
        for (auto count = random() % 40; count > 0; --count) {
            const std::string last = std::to_string(1 + random() % 20);
            const std::string address = random() % 2 == 0 ? "10.0.0." + last : "fd00::" + last;
            const std::string host = random() % 3 == 0 ? "h" + std::to_string(random() % 5) : "";
            endpoints.push_back(make_endpoint(address, host));
            const std::string label = host.empty() ? address_label(address) : host;
            by_label[label].insert(address);
            by_address[address].insert(label);
        }
        const auto records = headless(endpoints);
        for (const auto& [label, addresses] : by_label) {
            CHECK(addresses_of(*records, label) == Strings(addresses.begin(), addresses.end()));
        }
        for (const auto& [address, labels] : by_address) {
            const auto index = records->index_of(*parse_address(address));
            REQUIRE(index.has_value());
            CHECK(records->labelled_at(*index).size() + records->unlabelled_at(*index).size() ==
                  labels.size());
        }
        CHECK(records->endpoint_addresses.size() == by_address.size());
        CHECK_FALSE(records->index_of(*parse_address("10.0.1.1")).has_value());
    }
}

TEST_CASE("label buffers hold up to 63 octets") {
    LabelBuffer label;
    label.assign("");
    CHECK(label.wire() == std::string_view("\0", 1));
    label.assign(std::string(63, 'x'));
    CHECK(label.wire().size() == 64);
    CHECK(label.wire()[0] == 63);
    label.assign(std::string(64, 'x'));
    CHECK(label.label() == std::string(63, 'x'));
}

TEST_CASE("the longest address makes a label") {
    const std::string text = "1111:2222:3333:4444:5555:6666:7777:8888";
    const auto records = headless({make_endpoint(text)});
    LabelBuffer label;
    write_label(*records, records->endpoints[0], label);
    CHECK(label.label() == "1111-2222-3333-4444-5555-6666-7777-8888");
}

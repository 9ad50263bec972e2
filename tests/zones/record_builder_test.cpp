#include "zones/record_builder.h"

#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/objects.h"

using namespace zones;
using namespace support;

namespace {

constexpr std::string_view kServiceKey = "\3web\4prod";

std::shared_ptr<ServiceRecords> build(const k8s_client::Service& service,
                                      const std::vector<k8s_client::EndpointSubset>& subsets,
                                      bool endpoint_pod_names = false) {
    std::vector<PackedSubset> packed;
    for (const auto& subset : subsets) {
        packed.push_back(pack(subset, endpoint_pod_names));
    }
    std::vector<const PackedSubset*> pointers;
    for (const auto& subset : packed) {
        pointers.push_back(&subset);
    }
    return build_records(kServiceKey, pack(service), pointers);
}

/// "label address ports" of each endpoint, in order.
Strings listed(const ServiceRecords& records) {
    Strings lines;
    for (const auto& endpoint : records.endpoints) {
        LabelBuffer label;
        write_label(records, endpoint, label);
        std::string line =
            std::string(label.label()) + ' ' + to_string(records.address_of(endpoint));
        for (const auto& port : records.ports_of(endpoint)) {
            line += ' ' + (port.name_at == 0 ? "" : std::string(records.text_at(port.name_at))) +
                    '/' + std::string(to_string(port.protocol)) + ':' + std::to_string(port.number);
        }
        lines.push_back(line);
    }
    return lines;
}

const auto kHeadless = make_headless("prod", "web");

}  // namespace

TEST_CASE("the labels of a Service") {
    const auto records = build(make_service("prod", "web", {"10.0.0.1"}), {});
    CHECK(records->key == kServiceKey);
    CHECK(records->service_label() == "web");
    CHECK(records->namespace_label() == "prod");
    CHECK(records->has_cluster_ip(*parse_address("10.0.0.1")));
    CHECK_FALSE(records->has_cluster_ip(*parse_address("10.0.0.2")));
    CHECK_FALSE(records->has_cluster_ip(*parse_address("fd00::1")));
    CHECK(records->endpoints.empty());
}

TEST_CASE("labelled endpoints come first, by label; then the others, by address") {
    const auto records = build(
        kHeadless,
        {{{make_endpoint("10.0.0.9"), make_endpoint("10.0.0.3", "b"), make_endpoint("fd00::1"),
           make_endpoint("10.0.0.4", "a"), make_endpoint("10.0.0.2")},
          {{"web", "TCP", 80}}}});
    CHECK(listed(*records) ==
          Strings{"a 10.0.0.4 web/tcp:80", "b 10.0.0.3 web/tcp:80", "10-0-0-2 10.0.0.2 web/tcp:80",
                  "10-0-0-9 10.0.0.9 web/tcp:80", "fd00--1 fd00::1 web/tcp:80"});
    CHECK(records->labelled == 2);
    CHECK(records->endpoint_addresses.v4.size() == 4);
    CHECK(records->endpoint_addresses.v6.size() == 1);
}

TEST_CASE("duplicates over slices are one endpoint") {
    const k8s_client::EndpointSubset slice{
        {make_endpoint("10.0.0.1", "a"), make_endpoint("10.0.0.2")}, {{"web", "TCP", 80}}};
    auto reversed = slice;
    std::swap(reversed.endpoints[0], reversed.endpoints[1]);
    const auto records = build(kHeadless, {slice, reversed, slice});
    CHECK(listed(*records) == Strings{"a 10.0.0.1 web/tcp:80", "10-0-0-2 10.0.0.2 web/tcp:80"});
    CHECK(records->port_sets.size() == 1);
    CHECK(records->endpoint_ports.size() == 1);
}

TEST_CASE("one address in slices with other ports, or under another name, is kept apart") {
    const auto records = build(kHeadless, {{endpoints_at({"10.0.0.1"}), {{"web", "TCP", 80}}},
                                           {endpoints_at({"10.0.0.1"}), {{"dns", "UDP", 53}}},
                                           {{make_endpoint("10.0.0.1", "a")}, {{"web", "TCP", 80}}},
                                           {{make_endpoint("10.0.0.1", "b")}, {}}});
    CHECK(records->endpoints.size() == 4);
    CHECK(records->endpoint_addresses.v4.size() == 1);
    CHECK(records->port_sets.size() == 3);
    CHECK(records->labelled_at(0).size() == 2);
    CHECK(records->unlabelled_at(0).size() == 2);
}

TEST_CASE("only ready endpoints count, unless the Service publishes the others") {
    const std::vector<k8s_client::EndpointSubset> subsets = {
        {{make_endpoint("10.0.0.1"), make_endpoint("10.0.0.2", "", false)}, {}}};
    CHECK(listed(*build(kHeadless, subsets)) == Strings{"10-0-0-1 10.0.0.1"});
    auto publishing = kHeadless;
    publishing.publish_not_ready_addresses = true;
    CHECK(listed(*build(publishing, subsets)) == Strings{"10-0-0-1 10.0.0.1", "10-0-0-2 10.0.0.2"});
}

TEST_CASE("a port that only uncounted endpoints have is no port of the Service") {
    auto not_ready = make_endpoint("10.0.0.2");
    not_ready.ready = false;
    const auto records = build(kHeadless, {{{make_endpoint("10.0.0.1")}, {{"web", "TCP", 80}}},
                                           {{not_ready}, {{"metrics", "TCP", 90}}}});
    CHECK(records->endpoint_ports.size() == 1);
    CHECK(records->port_sets.size() == 1);
}

TEST_CASE("an ExternalName has a target and no endpoints") {
    const auto records =
        build(make_external("prod", "web", "Example.com"), {{endpoints_at({"10.0.0.1"}), {}}});
    CHECK(to_string(records->target) == "Example.com.");
    CHECK(records->endpoints.empty());
    CHECK(records->endpoint_addresses.empty());
}

TEST_CASE("ports of the Service keep their order and names") {
    const auto records =
        build(make_service("prod", "web", {"10.0.0.1"},
                           {{"Web", "TCP", 80}, {"", "UDP", 53}, {"dns", "UDP", 53}}),
              {});
    REQUIRE(records->service_ports.size() == 3);
    CHECK(records->text_at(records->service_ports[0].name_at) == "web");
    CHECK(records->service_ports[1].name_at == 0);
    CHECK(records->service_ports[1].number == 53);
    CHECK(records->service_ports[2].protocol == Protocol::Udp);
}

TEST_CASE("port filters") {
    const auto records =
        build(make_service("prod", "web", {"10.0.0.1"}, {{"web", "TCP", 80}, {"", "UDP", 53}}), {});
    const auto& named = records->service_ports[0];
    const auto& unnamed = records->service_ports[1];
    CHECK(PortFilter{}.any());
    CHECK(records->matches(named, {}));
    CHECK(records->matches(named, {"web", "tcp"}));
    CHECK(records->matches(named, {"", "tcp"}));
    CHECK(records->matches(named, {"web", ""}));
    CHECK_FALSE(records->matches(named, {"web", "udp"}));
    CHECK_FALSE(records->matches(named, {"we", "tcp"}));
    CHECK(records->matches(unnamed, {"", "udp"}));
    CHECK_FALSE(records->matches(unnamed, {"web", "udp"}));
    CHECK(to_string(Protocol::Sctp) == "sctp");
}

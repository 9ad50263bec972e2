#include "k8s_client/check_object.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/k8s_client/recording_receiver.h"

using namespace k8s_client;

namespace {

/// The one message about an object that is wrong, without what names the object.
std::string fault_of(const std::string& json) {
    const auto read = from_json(json);
    REQUIRE_MESSAGE(read.ok, json);
    CHECK(read.objects.empty());
    REQUIRE_MESSAGE(read.skipped.size() == 1, json);
    const std::string& message = read.skipped.front();
    const std::size_t document = message.find(": ");
    return message.substr(message.find(": ", document + 1) + 2);
}

std::string service_with_spec(const std::string& spec) {
    return R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"n"},"spec":{)" +
           spec + "}}";
}

std::string port_fault(const std::string& fields) {
    return fault_of(service_with_spec("\"ports\":[{\"port\":1},{" + fields + "}]"));
}

std::string slice(const std::string& fields) {
    return R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a"},)" +
           fields + "}";
}

std::string object_with_meta(const std::string& kind, const std::string& fields) {
    return R"({"apiVersion":"v1","kind":")" + kind + R"(","metadata":{)" + fields + "}}";
}

}  // namespace

TEST_CASE("a message names document, kind, namespace, name, field and reason, once") {
    const auto read =
        from_json(service_with_spec(R"("clusterIP":"1.2.3","type":"Bad","ports":[{"port":0}])") +
                  service_with_spec(R"("type":5,"ports":"x")"));
    CHECK(
        read.skipped ==
        std::vector<std::string>{
            "document 1: Service n/a: spec.ports[0].port: 0 is not a whole number from 1 to 65535",
            "document 2: Service n/a: spec.type: is a number, not a string"});
    const auto listed = from_json(R"({"kind":"List","apiVersion":"v1","items":[{},)" +
                                  service_with_spec(R"("clusterIP":"1.2.3")") + "]}");
    REQUIRE(listed.skipped.size() == 2);
    CHECK(listed.skipped.back() ==
          "document 1: Service n/a: items[1].spec.clusterIP: '1.2.3' is not an IP address");
}

TEST_CASE("names and namespaces") {
    CHECK(fault_of(object_with_meta("Pod", "")) == "metadata.name: required");
    CHECK(fault_of(object_with_meta("Pod", "\"name\":\"\"")) == "metadata.name: required");
    CHECK(fault_of(R"({"apiVersion":"v1","kind":"Pod"})") == "metadata.name: required");
    CHECK(fault_of(object_with_meta("Pod", "\"name\":5")) ==
          "metadata.name: is a number, not a string");
    CHECK(fault_of(object_with_meta("Pod", "\"name\":\"A\""))
              .find("metadata.name: 'A' is not a DNS sub") == 0);
    CHECK(fault_of(object_with_meta("Service", "\"name\":\"a.b\"")).find("metadata.name: ") == 0);
    CHECK(fault_of(object_with_meta("Namespace", "\"name\":\"a.b\"")).find("metadata.name: ") == 0);
    const std::string long_name(64, 'a');
    CHECK(fault_of(object_with_meta("Service", "\"name\":\"" + long_name + "\""))
              .find("longer than 63") != std::string::npos);
    CHECK(
        fault_of(object_with_meta("Service", "\"name\":\"a\",\"namespace\":\"" + long_name + "\""))
            .find("metadata.namespace: ") == 0);
    CHECK(fault_of(object_with_meta("Pod", "\"name\":\"a\",\"namespace\":\"a.b\""))
              .find("metadata.namespace") == 0);
    CHECK(from_json(object_with_meta("Pod", "\"name\":\"" + long_name + ".b\"")).objects.size() ==
          1);
    CHECK(from_json(object_with_meta("Endpoints", "\"name\":\"a.b\"")).objects.size() == 1);
    CHECK(from_json(object_with_meta("Pod", "\"name\":\"a\",\"namespace\":null"))
              .only<Pod>()
              .meta.ns == "default");
    const std::string too_long(254, 'a');
    CHECK(fault_of(object_with_meta("Pod", "\"name\":\"" + too_long + "\""))
              .find("longer than 253") != std::string::npos);
}

TEST_CASE("labels") {
    const auto label = [](const std::string& entry) {
        return fault_of(
            object_with_meta("Pod", "\"name\":\"a\",\"labels\":{\"x\":\"y\"," + entry + "}"));
    };
    CHECK(label("\"b\":1") == "metadata.labels[b]: is a number, not a string");
    CHECK(label("\"b\":{}") == "metadata.labels[b]: is an object, not a string");
    CHECK(label("\"b\":\"-\"").find("metadata.labels[b]: '-' is not letters") == 0);
    CHECK(label("\"b\":\"" + std::string(64, 'v') + "\"").find("longer than 63") !=
          std::string::npos);
    CHECK(label("\"\":\"v\"").find("metadata.labels[]: ") == 0);
    CHECK(label("\"A.b/c\":\"v\"").find("metadata.labels[A.b/c]: ") == 0);
    CHECK(fault_of(object_with_meta("Pod", R"("name":"a","labels":[])")) ==
          "metadata.labels: is a list, not an object");
    CHECK(from_json(object_with_meta("Pod", R"("name":"a","labels":{"b":"","c":null})"))
              .only<Pod>()
              .meta.labels == Labels{{"b", ""}});
}

TEST_CASE("a Service's fields") {
    CHECK(fault_of(service_with_spec(R"("type":"Foo")")) ==
          "spec.type: 'Foo' is not a type of Service");
    CHECK(fault_of(service_with_spec(R"("clusterIPs":["10.0.0.1","x"])")) ==
          "spec.clusterIPs[1]: 'x' is not an IP address");
    CHECK(fault_of(service_with_spec(R"("clusterIPs":["10.0.0.1","None"])"))
              .find("spec.clusterIPs[1]") == 0);
    CHECK(fault_of(service_with_spec(R"("clusterIPs":[""])")).find("spec.clusterIPs[0]") == 0);
    CHECK(fault_of(service_with_spec(R"("clusterIPs":"10.0.0.1")")) ==
          "spec.clusterIPs: is a string, not a list");
    CHECK(fault_of(service_with_spec(R"("clusterIPs":[["10.0.0.1"]])")) ==
          "spec.clusterIPs[0]: is a list, not a string");
    CHECK(fault_of(service_with_spec(R"("clusterIP":10)")) ==
          "spec.clusterIP: is a number, not a string");
    CHECK(fault_of(service_with_spec(R"("clusterIP":"none")")).find("spec.clusterIP: ") == 0);
    CHECK(fault_of(service_with_spec(R"("publishNotReadyAddresses":"true")")) ==
          "spec.publishNotReadyAddresses: is a string, not true or false");
    CHECK(fault_of(service_with_spec(R"("type":"ExternalName")")) ==
          "spec.externalName: '' is empty");
    CHECK(fault_of(service_with_spec(R"("type":"ExternalName","externalName":"a..b")"))
              .find("with an empty label") != std::string::npos);
    CHECK(fault_of(service_with_spec(R"("type":"ExternalName","externalName":")" +
                                     std::string(64, 'a') + "\""))
              .find("longer than 63") != std::string::npos);
    const std::string fault = fault_of(service_with_spec(
        R"("type":"ExternalName","externalName":")" + std::string(300, 'a') + "\""));
    CHECK(fault.find("longer than 253") != std::string::npos);
    CHECK(fault.size() < 200);
}

TEST_CASE("ports") {
    CHECK(port_fault("") == "spec.ports[1].port: required");
    CHECK(port_fault("\"port\":null") == "spec.ports[1].port: required");
    for (const char* bad : {"0", "-1", "65536", "80.0", "1e2", "99999999999999999999"}) {
        CHECK(port_fault("\"port\":" + std::string(bad)) ==
              "spec.ports[1].port: " + std::string(bad) + " is not a whole number from 1 to 65535");
    }
    CHECK(port_fault("\"port\":\"80\"") ==
          "spec.ports[1].port: is a string, not a whole number from 1 to 65535");
    CHECK(port_fault("\"port\":[80]").find("is a list, not") != std::string::npos);
    CHECK(port_fault(R"("port":2,"protocol":"tcp")") ==
          "spec.ports[1].protocol: 'tcp' is none of TCP, UDP, SCTP");
    CHECK(port_fault(R"("port":2,"name":"a.b")").find("spec.ports[1].name: 'a.b' is not") == 0);
    CHECK(
        port_fault("\"port\":2,\"name\":\"" + std::string(64, 'n') + "\"").find("longer than 63") !=
        std::string::npos);
    CHECK(fault_of(service_with_spec(R"("ports":[80])")) ==
          "spec.ports[0]: is a number, not an object");
    const auto good =
        from_json(service_with_spec(R"("ports":[{"port":65535,"protocol":"","name":"A-1"}])"));
    CHECK(good.only<Service>().ports == std::vector<ServicePort>{{"A-1", "TCP", 65535}});
}

TEST_CASE("an EndpointSlice's fields") {
    CHECK(fault_of(slice(R"("endpoints":[])")) == "addressType: '' is none of IPv4, IPv6, FQDN");
    CHECK(fault_of(slice(R"("addressType":"IP")")).find("addressType: 'IP'") == 0);
    CHECK(fault_of(
              slice(R"("addressType":"IPv4","endpoints":[{},{"addresses":["10.0.0.1","x"]}])")) ==
          "endpoints[1].addresses[1]: 'x' is not an IP address");
    CHECK(fault_of(slice(R"("addressType":"IPv6","endpoints":[{"addresses":["10.0.0.1"]}])")) ==
          "endpoints[0].addresses[0]: '10.0.0.1' is not of the slice's addressType");
    CHECK(fault_of(slice(R"("addressType":"IPv4","endpoints":[{"addresses":["::1"]}])"))
              .find("not of the slice's addressType") != std::string::npos);
    CHECK(fault_of(slice(R"("addressType":"IPv4","endpoints":[{"hostname":"A"}])"))
              .find("endpoints[0].hostname: 'A' is not a DNS label") == 0);
    CHECK(fault_of(slice(R"("addressType":"IPv4","endpoints":[{"conditions":{"ready":"no"}}])")) ==
          "endpoints[0].conditions.ready: is a string, not true or false");
    CHECK(fault_of(slice(R"("addressType":"IPv4","endpoints":[{"targetRef":{"name":1}}])")) ==
          "endpoints[0].targetRef.name: is a number, not a string");
    CHECK(
        fault_of(slice(R"("addressType":"FQDN","ports":[{"port":0}])")).find("ports[0].port: 0") ==
        0);
    CHECK(fault_of(slice(R"("addressType":"IPv4","ports":[{"protocol":"X"}])"))
              .find("ports[0].protocol: 'X'") == 0);
}

TEST_CASE("the fields of Endpoints and Pods") {
    const auto endpoints = [](const std::string& subsets) {
        return fault_of(
            R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"a"},"subsets":)" +
            subsets + "}");
    };
    CHECK(endpoints(R"([{},{"addresses":[{"ip":"x"}]}])") ==
          "subsets[1].addresses.ip: 'x' is not an IP address");
    CHECK(
        endpoints(R"([{"notReadyAddresses":[{"ip":"x"}]}])").find("subsets[0].notReadyAddresses") ==
        0);
    CHECK(endpoints(R"([{"addresses":[{}]}])") == "subsets[0].addresses: an ip is required");
    CHECK(endpoints(R"([{"addresses":[{"ip":5}]}])") ==
          "subsets[0].addresses[0].ip: is a number, not a string");
    CHECK(endpoints(R"([{"addresses":[{"ip":"::1","hostname":"-"}]}])").find("hostname") !=
          std::string::npos);
    CHECK(endpoints(R"([{"ports":[{"name":"a b"}]}])").find("subsets[0].ports[0].name") == 0);
    CHECK(fault_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},
        "status":{"podIP":"300.0.0.1"}})") == "status.podIP: '300.0.0.1' is not an IP address");
}

TEST_CASE("documents that are no objects") {
    CHECK(from_json("5").skipped ==
          std::vector<std::string>{"document 1: object: is a number, not an object"});
    CHECK(from_json("[]").skipped ==
          std::vector<std::string>{"document 1: object: is a list, not an object"});
    CHECK(from_json("{}").skipped ==
          std::vector<std::string>{"document 1: object: kind: required"});
    CHECK(from_json(R"({"kind":"Service"})").skipped ==
          std::vector<std::string>{"document 1: Service: apiVersion: required"});
    CHECK(from_json(R"({"kind":5,"apiVersion":"v1"})").skipped ==
          std::vector<std::string>{"document 1: object: kind: is a number, not a string"});
}

TEST_CASE("kept kinds") {
    CHECK(find_kept_kind("v1", "Service"));
    CHECK(find_kept_kind("discovery.k8s.io/v1beta1", "EndpointSlice"));
    CHECK_FALSE(find_kept_kind("v1", "EndpointSlice"));
    CHECK_FALSE(find_kept_kind("v1", "service"));
    CHECK_FALSE(find_kept_kind("", ""));
}

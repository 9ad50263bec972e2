#include "k8s_client/decode.h"

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/k8s_client/recording_receiver.h"

using namespace k8s_client;
using Strings = std::vector<std::string>;

TEST_CASE("a Service keeps what DNS answers from") {
    const auto read = from_json(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web",
        "namespace":"prod","labels":{"tier":"front","app":"web"},"annotations":{"labels":"x"}},
        "spec":{"type":"NodePort","clusterIPs":["10.0.0.1","fd00::1"],"clusterIP":"10.0.0.1",
        "publishNotReadyAddresses":true,"selector":{"name":"x"},"ports":[
        {"name":"http","port":80,"targetPort":"web","nodePort":30080},
        {"port":53,"protocol":"UDP"}]},"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})");
    Service expected;
    expected.meta = {"prod", "web", {{"app", "web"}, {"tier", "front"}}};
    expected.type = ServiceType::NodePort;
    expected.cluster_ips = {"10.0.0.1", "fd00::1"};
    expected.publish_not_ready_addresses = true;
    expected.ports = {{"http", "TCP", 80}, {"", "UDP", 53}};
    CHECK(read.only<Service>() == expected);
}

TEST_CASE("cluster IPs come from the list, else from the single field; None is headless") {
    const auto with_spec = [](const std::string& spec) {
        return from_json(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{)" +
                         spec + "}}")
            .only<Service>();
    };
    CHECK(with_spec(R"("clusterIP":"10.0.0.1")").cluster_ips == Strings{"10.0.0.1"});
    CHECK(with_spec(R"("clusterIP":"10.0.0.1","clusterIPs":["10.0.0.2"])").cluster_ips ==
          Strings{"10.0.0.2"});
    CHECK(with_spec(R"("clusterIP":"","clusterIPs":[])").cluster_ips.empty());
    CHECK(with_spec(R"("clusterIPs":null,"ports":null,"type":null)").cluster_ips.empty());
    for (const char* none : {R"("clusterIP":"None")", R"("clusterIPs":["None"])",
                             R"("clusterIP":"None","clusterIPs":["None"])"}) {
        CAPTURE(none);
        CHECK(with_spec(none).headless);
        CHECK(with_spec(none).cluster_ips.empty());
    }
    CHECK_FALSE(with_spec(R"("clusterIP":"10.0.0.1")").headless);
    const Service external =
        with_spec(R"("type":"ExternalName","externalName":"Example.COM.","clusterIP":"None")");
    CHECK(external.type == ServiceType::ExternalName);
    CHECK(external.external_name == "Example.COM.");
    CHECK_FALSE(external.headless);
    CHECK(with_spec(R"("type":"LoadBalancer","externalName":"x y")").external_name.empty());
}

TEST_CASE("an EndpointSlice of either version") {
    for (const std::string version : {"v1", "v1beta1"}) {
        const auto read = from_json(R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/)" +
                                    version + R"(","addressType":"IPv4","metadata":{"name":"web-x1",
            "namespace":"prod","labels":{"kubernetes.io/service-name":"web"}},"endpoints":[
            {"addresses":["10.1.0.1","10.1.0.2"],"conditions":{"ready":false,"serving":true},
             "hostname":"h","targetRef":{"kind":"Pod","name":"web-0"},"nodeName":"n","zone":"z"},
            {"addresses":["10.1.0.3"],"conditions":{"ready":null}},
            {"addresses":["10.1.0.4"],"conditions":null,"hostname":null,"targetRef":null},
            {"addresses":["10.1.0.5"],"targetRef":{"kind":"X","name":"Not_a:Pod"}}],
            "ports":[{"name":"http","port":8080,"protocol":"TCP","appProtocol":"h"},{"name":""},
            {"port":null,"protocol":"SCTP"}]})");
        EndpointSlice expected;
        expected.meta = {"prod", "web-x1", {{"kubernetes.io/service-name", "web"}}};
        expected.service_name = "web";
        expected.subset.endpoints = {{{"10.1.0.1", "10.1.0.2"}, false, "h", "web-0"},
                                     {{"10.1.0.3"}, true, "", ""},
                                     {{"10.1.0.4"}, true, "", ""},
                                     {{"10.1.0.5"}, true, "", ""}};
        expected.subset.ports = {{"http", "TCP", 8080}, {"", "TCP", {}}, {"", "SCTP", {}}};
        CHECK(read.only<EndpointSlice>() == expected);
    }
}

TEST_CASE("a slice of names keeps no endpoints; null lists are empty ones") {
    const std::string head = R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice",
        "metadata":{"name":"a"},"addressType":)";
    const auto names = from_json(
        head + R"("FQDN","endpoints":[{"addresses":["a.example.org"]}],"ports":[{"port":1}]})");
    CHECK(names.only<EndpointSlice>().subset.endpoints.empty());
    CHECK(names.only<EndpointSlice>().subset.ports.size() == 1);
    CHECK(names.only<EndpointSlice>().service_name.empty());
    const auto nulls = from_json(head + R"("IPv6","endpoints":null,"ports":null})");
    CHECK(nulls.only<EndpointSlice>().subset == EndpointSubset{});
}

TEST_CASE("Endpoints: ready and not ready, several subsets") {
    const auto read = from_json(R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"db"},
        "subsets":[{"addresses":[{"ip":"10.1.0.1","hostname":"h","targetRef":{"name":"db-0"}}],
        "notReadyAddresses":[{"ip":"10.1.0.2"}],"ports":[{"port":5432,"name":"sql"}]},
        {"notReadyAddresses":[{"ip":"fd00::1"}],"addresses":null,"ports":[{"port":1,"protocol":"UDP"}]}]})");
    Endpoints expected;
    expected.meta = {"default", "db", {}};
    expected.subsets = {{{{{"10.1.0.1"}, true, "h", "db-0"}, {{"10.1.0.2"}, false, "", ""}},
                         {{"sql", "TCP", 5432}}},
                        {{{{"fd00::1"}, false, "", ""}}, {{"", "UDP", 1}}}};
    CHECK(read.only<Endpoints>() == expected);
}

TEST_CASE("a Pod is there until it has ended") {
    const auto pod = [](const std::string& status) {
        return from_json(
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a.b","namespace":"n",
            "deletionTimestamp":"2024-01-01T00:00:00Z"},"spec":{"hostname":"x"},"status":)" +
            status + "}");
    };
    CHECK(pod(R"({"phase":"Running","podIP":"10.0.0.1"})").only<Pod>() ==
          Pod{{"n", "a.b", {}}, "10.0.0.1"});
    CHECK(pod(R"({"phase":"Pending"})").only<Pod>().ip.empty());
    CHECK(pod("null").only<Pod>().ip.empty());
    for (const char* phase : {"Succeeded", "Failed", "Unknown"}) {
        const auto read = pod(R"({"podIP":"bad","phase":")" + std::string(phase) + "\"}");
        CHECK(read.objects.empty());
        CHECK(read.skipped.empty());
        CHECK(read.passed_over.empty());
    }
}

TEST_CASE("a Namespace lies in none") {
    const auto read = from_json(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"prod",
        "namespace":"x","labels":{"env":"prod"}},"spec":{"finalizers":["kubernetes"]}})");
    CHECK(read.only<Namespace>() == Namespace{{"", "prod", {{"env", "prod"}}}});
}

TEST_CASE("the pair of apiVersion and kind decides") {
    for (const char* version : {"serving.knative.dev/v1", "v2", "discovery.k8s.io/v1"}) {
        const auto read =
            from_json(R"({"kind":"Service","spec":5,"metadata":{"name":7},"apiVersion":")" +
                      std::string(version) + "\"}");
        CHECK(read.passed_over.at("Service") == 1);
        CHECK(read.skipped.empty());
    }
    CHECK(from_json(R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1alpha1"})")
              .passed_over.at("EndpointSlice") == 1);
    CHECK(from_json(R"({"kind":"EndpointSlice","apiVersion":"v1"})").objects.empty());
}

TEST_CASE("fields of other kinds do not spoil an object") {
    CHECK(from_json(R"({"kind":"Pod","apiVersion":"v1","spec":{"ports":5},"endpoints":{},"ports":1,
        "subsets":"x","addressType":[],"metadata":{"name":"a"}})")
              .only<Pod>()
              .meta.name == "a");
    CHECK(from_json(R"({"kind":"Service","apiVersion":"v1","status":[1],"metadata":{"name":"a"}})")
              .only<Service>()
              .meta.name == "a");
}

TEST_CASE("fields may come in any order, kind last") {
    const auto read = from_json(R"({"spec":{"ports":[{"port":80}],"clusterIP":"10.0.0.1"},
        "metadata":{"labels":{"b":"1","a":"2","b":"3"},"name":"a"},"kind":"Service","apiVersion":"v1"})");
    CHECK(read.only<Service>().ports.size() == 1);
    CHECK(read.only<Service>().meta.labels == Labels{{"a", "2"}, {"b", "3"}});
}

namespace {

const char* const kItem = R"({"metadata":{"name":"a"},"spec":{"clusterIP":"10.0.0.1"}})";
const char* const kFullItem =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"status":{"podIP":"10.0.0.9"}})";

}  // namespace

TEST_CASE("lists: List, and typed lists whose items bear no kind") {
    const std::string items = std::string("\"items\":[") + kItem + "," + kFullItem + "]";
    const std::string typed = R"("kind":"ServiceList","apiVersion":"v1")";
    for (const std::string& text :
         {"{" + typed + "," + items + "}", "{" + items + "," + typed + "}",
          "{\"kind\":\"ServiceList\"," + items + ",\"apiVersion\":\"v1\"}",
          "{" + typed + R"(,"metadata":{"resourceVersion":"5","continue":null},)" + items + "}"}) {
        CAPTURE(text);
        const auto read = from_json(text);
        CHECK(read.ok);
        CHECK(read.skipped.empty());
        REQUIRE(read.objects.size() == 2);
        const bool service_first = std::holds_alternative<Service>(read.objects.front());
        CHECK(std::holds_alternative<Service>(read.objects[service_first ? 0 : 1]));
        CHECK(std::holds_alternative<Pod>(read.objects[service_first ? 1 : 0]));
    }
    const auto list = from_json(std::string(R"({"kind":"List","apiVersion":"v1","items":[)") +
                                kFullItem + "," + kItem + "," + kFullItem + "]}");
    CHECK(list.objects.size() == 2);
    CHECK(list.skipped == Strings{"document 1: object a: items[1].kind: required"});
}

TEST_CASE("lists: items that wait for the kind of their list have a limit") {
    const auto items = [](std::size_t count) {
        std::string text = "{\"items\":[{}";
        for (std::size_t i = 1; i < count; ++i) {
            text += ",{}";
        }
        return text + "],\"kind\":\"DeploymentList\",\"apiVersion\":\"apps/v1\"}";
    };
    CHECK(from_json(items(1000)).passed_over.at("Deployment") == 1000);
    const auto read = from_json(items(ObjectDecoder::kMaxElements + 1));
    CHECK_FALSE(read.ok);
    CHECK(read.error.why == "more than 100000 items before the kind of their list");
    CHECK(read.passed_over.empty());
}

TEST_CASE("lists: empty, null, wrong") {
    CHECK(from_json(R"({"kind":"List","apiVersion":"v1","items":[]})").skipped.empty());
    CHECK(from_json(R"({"kind":"List","apiVersion":"v1","items":[null]})").skipped.empty());
    CHECK(from_json(R"({"kind":"PodList","apiVersion":"v1","items":[]})").passed_over.empty());
    CHECK(from_json(R"({"kind":"DeploymentList","apiVersion":"apps/v1","items":[{},{}]})")
              .passed_over.at("Deployment") == 2);
    const auto mixed = from_json(std::string(R"({"kind":"List","apiVersion":"v1","items":[5,)") +
                                 kFullItem + "]}");
    CHECK(mixed.objects.size() == 1);
    CHECK(mixed.skipped == Strings{"document 1: List: items[0]: is a number, not an object"});
    // A kind of its own that happens to have a field `items`.
    const auto other = from_json(R"({"kind":"Foo","apiVersion":"x/v1","items":[{"a":1}]})");
    CHECK(other.passed_over.at("Foo") == 1);
    CHECK(other.skipped.empty());
}

TEST_CASE("objects are handed over as they end, not at the end") {
    const std::string cut = std::string(R"({"kind":"ServiceList","apiVersion":"v1","items":[)") +
                            kItem + "," + kItem + ",";
    const auto read = from_json(cut);
    CHECK_FALSE(read.ok);
    CHECK(read.objects.size() == 2);
}

TEST_CASE("JSON and YAML give the same objects") {
    const auto yaml = from_yaml(R"(apiVersion: v1
items:
- apiVersion: v1
  kind: Service
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":5}}
    creationTimestamp: "2024-01-01T00:00:00Z"
    labels: {app: web}
    name: web
    namespace: prod
  spec:
    clusterIP: None
    clusterIPs:
    - None
    ports:
    - name: http
      port: 80
      targetPort: 8080
    publishNotReadyAddresses: true
- apiVersion: v1
  kind: ConfigMap
  data: {a: b}
kind: List
metadata:
  resourceVersion: ""
)");
    const auto json = from_json(R"({"kind":"Service","apiVersion":"v1","metadata":{"name":"web",
        "namespace":"prod","labels":{"app":"web"}},"spec":{"clusterIPs":["None"],
        "publishNotReadyAddresses":true,"ports":[{"name":"http","port":80}]}})");
    CHECK(yaml.objects == json.objects);
    CHECK(yaml.passed_over == std::map<std::string, std::size_t>{{"ConfigMap", 1}});
}

TEST_CASE("the reference objects are all taken") {
    const char* golden = std::getenv("KERYX_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
    if (!golden) {
        MESSAGE("skipped: KERYX_GOLDEN is not set");
        return;
    }
    std::ifstream file(std::string(golden) + "/spec/objects.json");
    REQUIRE(file);
    std::stringstream text;
    text << file.rdbuf();
    for (const Read read : {read_json, read_yaml}) {  // JSON is YAML, too
        const auto result = read_all(read, text.str());
        CHECK(result.ok);
        CHECK(result.skipped.empty());
        CHECK(result.passed_over.empty());
        std::map<std::size_t, int> kinds;
        for (const Object& object : result.objects) {
            ++kinds[object.index()];
        }
        // 91, without the one Pod that has ended.
        CHECK(kinds == std::map<std::size_t, int>{{0, 7}, {1, 57}, {2, 21}, {4, 5}});
    }
}

namespace {

const std::string kSeedJson = R"({"kind":"List","apiVersion":"v1","items":[
 {"apiVersion":"v1","kind":"Service","metadata":{"name":"a","labels":{"x":"y"}},"spec":
 {"clusterIPs":["10.0.0.1"],"ports":[{"port":80,"name":"h"}],"type":"ClusterIP"}},
 {"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"a"},"subsets":[{"addresses":
 [{"ip":"10.0.0.1"}],"notReadyAddresses":[{"ip":"10.0.0.2"}],"ports":[{"port":1}]}]},
 {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a"},"addressType":
 "IPv4","endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}}],"ports":[]},
 {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"status":{"podIP":"10.0.0.1"}}]})";

const std::string kSeedYaml = R"(apiVersion: v1
kind: Service
metadata: {name: a, labels: {x: "y"}}
spec:
  clusterIPs: &ips [10.0.0.1]
  ports:
  - port: 80
    name: 'h'
  text: |
    block
---
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata:
  name: a
addressType: IPv4
endpoints:
- addresses: *ips
  conditions: {ready: true}
)";

std::string mutated(std::string text, std::mt19937& random) {
    const std::string_view syntax = "{}[]\",:-&*!|>'#%@?~ \n\t\x01\x80\xff";
    for (std::size_t n = 1 + random() % 4; n > 0 && !text.empty(); --n) {
        const std::size_t at = random() % text.size();
        const std::size_t length = random() % 20;
        switch (random() % 5) {
            case 0:
                text[at] = syntax[random() % syntax.size()];
                break;
            case 1:
                text.insert(at, 1, syntax[random() % syntax.size()]);
                break;
            case 2:
                text.erase(at, length);
                break;
            case 3:
                text.insert(random() % text.size(), text.substr(at, length));
                break;
            default:
                text.resize(at);
        }
    }
    return text;
}

}  // namespace

TEST_CASE("garbage is refused or skipped, and never more than that") {
    std::mt19937 random(20240607);
    std::size_t refused = 0;
    std::size_t kept = 0;
    for (int i = 0; i < 3000; ++i) {
        const auto json = from_json(mutated(kSeedJson, random));
        const auto yaml = from_yaml(mutated(kSeedYaml, random));
        refused += (json.ok ? 0U : 1U) + (yaml.ok ? 0U : 1U);
        kept += json.objects.size() + yaml.objects.size();
        CHECK((json.ok || !json.error.why.empty()));
        CHECK((yaml.ok || (!yaml.error.why.empty() && yaml.error.line > 0)));
    }
    CHECK(refused > 500);
    CHECK(kept > 500);
}

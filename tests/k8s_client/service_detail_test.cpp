#include "k8s_client/service_detail.h"

#include <doctest/doctest.h>

#include "k8s_client/json_reader.h"
#include "k8s_client/yaml_reader.h"

namespace k8s_client {
namespace {

class Kept : public ValueReceiver {
  public:
    void take(const Value& object) override { objects.push_back(object); }
    std::vector<Value> objects;
};

std::vector<Value> values_of(std::string_view yaml, std::size_t* left_out = nullptr) {
    Kept kept;
    ValueReader reader(kept);
    const auto read = read_yaml_values(yaml, reader);
    CHECK(read);
    if (left_out != nullptr) {
        *left_out = reader.left_out();
    }
    return kept.objects;
}

std::string kind_and_name(const Value& object) {
    return Value::string_of(object.find("kind")) + ' ' +
           Value::string_of(object.find("metadata", "name"));
}

template <typename Kind>
Kind only(std::string_view yaml) {
    const auto objects = values_of(yaml);
    REQUIRE(objects.size() == 1);
    auto detail = detail_of(objects.front());
    REQUIRE(detail);
    REQUIRE(std::holds_alternative<Kind>(*detail));
    return std::get<Kind>(*detail);
}

}  // namespace

TEST_CASE("values: objects, lists, and typed lists, whose kind may come late") {
    const auto objects = values_of(R"(
{apiVersion: v1, kind: Service, metadata: {name: a}}
---
{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}, null, 7]}
---
{apiVersion: v1, kind: PodList, items: [{metadata: {name: c}}]}
---
{items: [{metadata: {name: d}}, {metadata: {name: e}}], apiVersion: v1, kind: ServiceList}
)");
    REQUIRE(objects.size() == 5);
    CHECK(kind_and_name(objects[0]) == "Service a");
    CHECK(kind_and_name(objects[1]) == "Pod b");
    CHECK(kind_and_name(objects[2]) == "Pod c");
    CHECK(kind_and_name(objects[3]) == "Service d");
    CHECK(kind_and_name(objects[4]) == "Service e");
    CHECK(Value::string_of(objects[4].find("apiVersion")) == "v1");
}

TEST_CASE("values: what is too deep, too large or of no interest is left out") {
    std::size_t left_out = 0;
    std::string wide = "{kind: Pod, apiVersion: v1, metadata: {name: wide}, x: [";
    for (std::size_t i = 0; i < ValueReader::kMaxValues; ++i) {
        wide += "1,";
    }
    const std::string deep(100, '[');
    const auto objects = values_of(
        wide +
            "]}\n---\n{kind: Pod, apiVersion: v1, metadata: {name: deep, annotations: {a: b}, "
            "managedFields: [{x: y}]}, x: " +
            deep + std::string(100, ']') + ", after: here}\n---\n{kind: List, items: [" + wide +
            "]}, {kind: Pod, metadata: {name: small}}]}\n",
        &left_out);
    CHECK(left_out == 2);
    REQUIRE(objects.size() == 2);
    CHECK(kind_and_name(objects[0]) == "Pod deep");
    CHECK(Value::string_of(objects[0].find("after")) == "here");
    CHECK(objects[0].find("metadata", "annotations") == nullptr);
    CHECK(objects[0].find("metadata", "managedFields") == nullptr);
    CHECK(kind_and_name(objects[1]) == "Pod small");
    Kept kept;
    ValueReader reader(kept);
    CHECK_FALSE(read_json_values(std::string(600, '['), reader));
    CHECK(std::string(reader.given_up_for()) == "nested too deeply");
}

TEST_CASE("detail: a Service") {
    const auto service = only<ServiceDetail>(R"(
apiVersion: v1
kind: Service
metadata: {name: kubia, namespace: prod}
spec:
  clusterIP: 10.96.0.1
  publishNotReadyAddresses: true
  selector: {b: x, a: y, number: 5}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}, {name: dns, protocol: UDP, port: 53, targetPort: dns},
          {port: 70000}, {port: text}, word]
)");
    CHECK(service.ns == "prod");
    CHECK(service.type == "ClusterIP");
    CHECK_FALSE(service.headless());
    CHECK(service.publish_not_ready_addresses);
    CHECK(service.selector == Labels{{"a", "y"}, {"b", "x"}});
    REQUIRE(service.ports.size() == 5);
    CHECK(service.ports[0].target_port == "8080");
    CHECK(service.ports[0].node_port == 30080);
    CHECK(service.ports[1].target_port == "dns");
    CHECK(service.ports[1].protocol == "UDP");
    CHECK(service.ports[2].port == 0);
    CHECK(only<ServiceDetail>("{apiVersion: v1, kind: Service, metadata: {name: h}, spec: "
                              "{clusterIPs: [None]}}")
              .headless());
}

TEST_CASE("detail: EndpointSlices, and Endpoints as such") {
    const auto slices = only<std::vector<SliceDetail>>(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubia-1, labels: {kubernetes.io/service-name: kubia}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.0.0.1], hostname: kubia-0, nodeName: a, targetRef: {kind: Pod, name: kubia-0},
   conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.0.0.2]}
)");
    REQUIRE(slices.size() == 1);
    CHECK(slices[0].ns == "default");
    CHECK(slices[0].service == "kubia");
    REQUIRE(slices[0].endpoints.size() == 2);
    CHECK(slices[0].endpoints[0].ready == false);
    CHECK(slices[0].endpoints[0].terminating == true);
    CHECK(slices[0].endpoints[0].target_name == "kubia-0");
    CHECK_FALSE(slices[0].endpoints[1].ready);
    const auto subsets = only<std::vector<SliceDetail>>(R"(
{apiVersion: v1, kind: Endpoints, metadata: {name: kubia}, subsets: [{addresses: [{ip: 10.0.0.1}],
  notReadyAddresses: [{ip: 10.0.0.2, hostname: b}], ports: [{port: 80}]}, {addresses: [{ip: 10.0.0.3}]}]}
)");
    REQUIRE(subsets.size() == 2);
    CHECK(subsets[0].kind == "Endpoints");
    REQUIRE(subsets[0].endpoints.size() == 2);
    CHECK(subsets[0].endpoints[1].ready == false);
    CHECK(subsets[0].endpoints[1].hostname == "b");
}

TEST_CASE("detail: a pod, with what keeps it from being ready") {
    const auto pod = only<PodDetail>(R"(
apiVersion: v1
kind: Pod
metadata: {name: kubia-0, namespace: prod, labels: {app: kubia}, deletionTimestamp: "2026-01-01T00:00:00Z"}
spec: {containers: [{name: main, readinessProbe: {httpGet: {path: /}}}]}
status:
  phase: Running
  podIP: 10.0.0.1
  conditions: [{type: Ready, status: "False", reason: ContainersNotReady, message: "not yet"}]
  containerStatuses: [{name: main, ready: false, restartCount: 7,
                       state: {waiting: {reason: CrashLoopBackOff, message: "back-off"}}}]
)");
    CHECK(pod.ips == std::vector<std::string>{"10.0.0.1"});
    CHECK(pod.terminating);
    CHECK_FALSE(pod.ready());
    REQUIRE(pod.condition("Ready") != nullptr);
    CHECK(pod.condition("Ready")->message == "not yet");
    CHECK(pod.condition("Other") == nullptr);
    REQUIRE(pod.containers.size() == 1);
    CHECK(pod.containers[0].state == "waiting");
    CHECK(pod.containers[0].reason == "CrashLoopBackOff");
    CHECK(pod.containers[0].restarts == "7");
    CHECK(pod.containers[0].readiness_probe == "GET /");
    CHECK(selects({{"app", "kubia"}}, pod.labels));
    CHECK_FALSE(selects({{"app", "kubia"}, {"b", "c"}}, pod.labels));
    CHECK_FALSE(selects({}, pod.labels));
    CHECK(selector_text({{"app", "kubia"}, {"b", "c"}}) == "app=kubia,b=c");
}

TEST_CASE("detail: what a readiness probe does, without what may be secret in it") {
    const auto probe = [](const std::string& action) {
        return only<PodDetail>(
                   "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: "
                   "[{name: main, readinessProbe: {" +
                   action + "}}]}, status: {containerStatuses: [{name: main}]}}")
            .containers.at(0)
            .readiness_probe;
    };
    CHECK(probe("httpGet: {path: '/ready?token=x', port: 8080, host: h}") ==
          "GET /ready, port 8080");
    CHECK(probe("httpGet: {port: web, scheme: HTTPS}") == "HTTPS GET /, port web");
    CHECK(probe("tcpSocket: {port: 5432}") == "TCP, port 5432");
    CHECK(probe("grpc: {port: 9000}") == "gRPC, port 9000");
    CHECK(probe("exec: {command: [pg_isready, '-p', secret]}") == "the command pg_isready");
    CHECK(probe("exec: {}") == "a command");
    CHECK(probe("periodSeconds: 5") == "one of an unknown kind");
}

TEST_CASE("detail: other kinds, and objects without a name, are none") {
    for (const char* text :
         {"{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}",
          "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}",
          "{apiVersion: v1, kind: Service}", "{apiVersion: v1, kind: [], metadata: 7}"}) {
        const auto objects = values_of(text);
        REQUIRE(objects.size() == 1);
        CHECK_FALSE(detail_of(objects.front()));
    }
}

}  // namespace k8s_client

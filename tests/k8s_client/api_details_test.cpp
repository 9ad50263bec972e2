#include "k8s_client/api_details.h"

#include <doctest/doctest.h>

#include "tests/k8s_client/scripted_http.h"

namespace k8s_client {
namespace {

using Targets = std::vector<std::string>;

struct Asked {
    explicit Asked(std::vector<ScriptedResponse> script,
                   std::chrono::milliseconds limit = ApiDetails::kLimit) {
        auto scripted = std::make_unique<ScriptedHttp>(std::move(script));
        http = scripted.get();
        details = std::make_unique<ApiDetails>(std::move(scripted), limit);
    }
    ScriptedHttp* http;
    std::unique_ptr<ApiDetails> details;
};

ScriptedResponse list(const std::string& kind, const std::string& items) {
    return {.pieces = {R"({"kind":")" + kind + R"(","apiVersion":"v1","items":[)", items, "]}"}};
}

ScriptedResponse slices(const std::string& items) {
    return {
        .pieces = {R"({"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","items":[)",
                   items, "]}"}};
}

ScriptedResponse status(int code, const std::string& message) {
    return {.status = code,
            .pieces = {R"({"kind":"Status","apiVersion":"v1","message":")" + message + "\"}"}};
}

constexpr const char* kKubia =
    R"({"metadata":{"name":"kubia","namespace":"prod"},"spec":{"selector":{"app":"kubia"}}})";
constexpr const char* kKubiaPod =
    R"({"metadata":{"name":"p","namespace":"prod","labels":{"app":"kubia"}},"status":{"phase":"Running"}})";

}  // namespace

TEST_CASE("details: three lists, each of one namespace") {
    Asked asked(
        {list("ServiceList", kKubia),
         slices(R"({"metadata":{"name":"kubia-1","namespace":"prod"},"addressType":"IPv4"})"),
         list("PodList", kKubiaPod)});
    const ServiceView view = asked.details->look_at("prod", "kubia");
    CHECK(
        asked.http->targets(3) ==
        Targets{"/api/v1/namespaces/prod/services?limit=500&fieldSelector=metadata.name%3Dkubia",
                "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices?limit=500&labelSelector="
                "kubernetes.io%2Fservice-name%3Dkubia",
                "/api/v1/namespaces/prod/pods?limit=500&labelSelector=app%3Dkubia"});
    CHECK(view.known);
    REQUIRE(view.service);
    CHECK(view.service->name == "kubia");
    CHECK(view.slices_known);
    CHECK(view.slices.size() == 1);
    CHECK(view.pods_known);
    CHECK(view.pods.size() == 1);
    CHECK(view.problems.empty());
}

TEST_CASE("details: pods of the namespace, where the selector selects none") {
    Asked asked(
        {list("ServiceList", kKubia), slices(""), list("PodList", ""), list("PodList", kKubiaPod)});
    const ServiceView view = asked.details->look_at("prod", "kubia");
    CHECK(asked.http->targets(4)[3] == "/api/v1/namespaces/prod/pods?limit=500");
    CHECK(view.pods.empty());
    CHECK(view.other_pods.size() == 1);
}

TEST_CASE("details: what is refused is said, and the rest goes on") {
    Asked asked({list("ServiceList", kKubia), slices(""), status(403, "pods is forbidden")});
    const ServiceView view = asked.details->look_at("prod", "kubia");
    CHECK(view.known);
    CHECK_FALSE(view.pods_known);
    CHECK(view.problems == Targets{"cannot list pods: the API server says 403: pods is forbidden"});
}

TEST_CASE("details: an older API server has no EndpointSlices") {
    Asked asked(
        {list("ServiceList", R"({"metadata":{"name":"kubia"}})"), status(404, "none"),
         status(404, "none"),
         list("EndpointsList",
              R"({"metadata":{"name":"kubia"},"subsets":[{"addresses":[{"ip":"10.0.0.1"}]}]})")});
    const ServiceView view = asked.details->look_at("default", "kubia");
    CHECK(view.slices_known);
    REQUIRE(view.slices.size() == 1);
    CHECK(view.slices[0].kind == "Endpoints");
}

TEST_CASE("details: who cannot be reached is asked once") {
    Asked asked({{.failure = HttpFailure::Kind::Connect}});
    const ServiceView view = asked.details->look_at("prod", "kubia");
    CHECK_FALSE(view.known);
    CHECK(view.problems ==
          Targets{"cannot list services: as scripted",
                  "cannot list endpointslices: no time is left to ask the API server"});
    CHECK(asked.http->targets(1).size() == 1);
    Asked late({}, std::chrono::milliseconds(-1));
    CHECK_FALSE(late.details->look_at("prod", "kubia").known);
}

TEST_CASE("details: a response that is too large, or no JSON") {
    const ScriptedResponse away{.failure = HttpFailure::Kind::Connect};
    Asked large({{.pieces = std::vector<std::string>(17, std::string(1 << 20, ' '))}, away});
    CHECK(large.details->look_at("prod", "kubia").problems.front() ==
          "cannot list services: the response is larger than 16 MiB");
    Asked html({{.pieces = {"<html>"}}, away});
    CHECK(html.details->look_at("prod", "kubia").problems.front() ==
          "cannot list services: the response is no JSON: Invalid value.");
}

TEST_CASE("details: the pod at an address, unless it has ended") {
    Asked asked({list("PodList", R"({"metadata":{"name":"old"},"status":{"phase":"Succeeded"}},)" +
                                     std::string(kKubiaPod))});
    const auto pod = asked.details->pod_at("10.0.0.1");
    CHECK(asked.http->targets(1).front() ==
          "/api/v1/pods?limit=500&fieldSelector=status.podIP%3D10.0.0.1");
    REQUIRE(pod);
    REQUIRE(*pod);
    CHECK((*pod)->name == "p");
    Asked nobody({list("PodList", "")});
    const auto none = nobody.details->pod_at("10.0.0.1");
    REQUIRE(none);
    CHECK_FALSE(*none);
}

}  // namespace k8s_client

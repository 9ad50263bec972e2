#include "server/explain.h"

#include <doctest/doctest.h>

#include "server/explain_json.h"
#include "server/explain_text.h"
#include "tests/server/explain_rig.h"

namespace server {
namespace {

using testing::ExplainRig;
using testing::Texts;

std::string step_text(const ExplainedStep& step) {
    return step.name + " " + (step.asked ? step.rcode : "not asked") +
           (step.answers ? " answers" : "") + (step.plugin.empty() ? "" : " by " + step.plugin);
}

Texts steps_of(const Explanation& explanation) {
    Texts texts;
    std::ranges::transform(explanation.steps, std::back_inserter(texts), step_text);
    return texts;
}

/// Nobody knows any details.
class NoDetails : public k8s_client::DetailSource {
  public:
    k8s_client::ServiceView look_at(std::string_view, std::string_view) override {
        k8s_client::ServiceView view;
        view.problems = {"cannot list services: the API server says 403: forbidden\x1b[2J"};
        return view;
    }
    tl::expected<std::optional<k8s_client::PodDetail>, std::string> pod_at(
        std::string_view) override {
        return tl::unexpected(std::string("cannot list pods: as scripted"));
    }
};

std::unique_ptr<k8s_client::DetailSource> no_details(const KubernetesConfig&) {
    return std::make_unique<NoDetails>();
}

}  // namespace

TEST_CASE("explain: the step that answers, and those before it") {
    ExplainRig rig(testing::web_yaml());
    const Explanation own = rig.explain("web");
    CHECK(own.found);
    CHECK(steps_of(own) == Texts{"web.prod.svc.cluster.local. NOERROR answers by kubernetes",
                                 "web.svc.cluster.local. not asked", "web.cluster.local. not asked",
                                 "web. not asked"});
    CHECK(own.steps[0].server_block == ".:53");
    CHECK(own.search == Texts{"prod.svc.cluster.local.", "svc.cluster.local.", "cluster.local."});
    const Explanation other = rig.explain("web.prod", "", "default");
    CHECK(other.found);
    CHECK(other.subject == 1);
    CHECK(steps_of(other)[0] == "web.prod.default.svc.cluster.local. NXDOMAIN by kubernetes");
    const Explanation absolute = rig.explain("WEB.prod.svc.cluster.local.");
    CHECK(absolute.found);
    CHECK(absolute.search.empty());
    CHECK(absolute.message == Texts{";; status: NOERROR, flags: qr aa rd",
                                    ";WEB.prod.svc.cluster.local. IN A",
                                    "WEB.prod.svc.cluster.local. 5 IN A 10.96.0.1"});
}

TEST_CASE("explain: the Service, its ports, slices and endpoints") {
    ExplainRig rig(testing::web_yaml());
    const Explanation explanation = rig.explain("web");
    REQUIRE(explanation.services.size() == 1);
    const ExplainedService& web = explanation.services[0];
    CHECK(web.detailed);
    CHECK(web.type == "ClusterIP");
    CHECK(web.cluster_ips == Texts{"10.96.0.1"});
    REQUIRE(web.ports.size() == 2);
    CHECK(web.ports[1].target_port == "domain");
    REQUIRE(web.slices.size() == 1);
    CHECK(web.slices[0].ports == Texts{"http 8080/TCP", "dns 5353/UDP"});
    REQUIRE(web.slices[0].endpoints.size() == 3);
    CHECK(web.slices[0].endpoints[0].in);
    CHECK(web.slices[0].endpoints[0].why == "ready");
    CHECK_FALSE(web.slices[0].endpoints[2].in);
    CHECK(web.slices[0].endpoints[2].why == "not ready");
    CHECK(web.slices[0].endpoints[2].target == "Pod web-c");
}

TEST_CASE("explain: the pod that asks says the namespace") {
    ExplainRig rig(testing::web_yaml());
    const Explanation explanation =
        rig.explain({.name = "web", .type = {}, .from = "10.0.0.2", .ns = {}});
    CHECK(explanation.pod == "prod/web-b");
    CHECK(explanation.ns == "prod");
    CHECK(explanation.found);
    const Explanation nobody =
        rig.explain({.name = "web", .type = {}, .from = "10.0.0.99", .ns = {}});
    CHECK(nobody.ns == "default");
    CHECK_FALSE(nobody.found);
    CHECK(nobody.notes == Texts{"no pod has the address 10.0.0.99"});
}

TEST_CASE("explain: an access list sees the pod that asks") {
    ExplainRig rig(testing::web_yaml(), "acl {\nblock net 10.0.0.2/32\n}");
    CHECK(rig.explain({.name = "web", .type = {}, .from = "10.0.0.1", .ns = {}}).found);
    const Explanation blocked =
        rig.explain({.name = "web", .type = {}, .from = "10.0.0.2", .ns = {}});
    CHECK_FALSE(blocked.found);
    CHECK(blocked.steps[0].rcode == "REFUSED");
    CHECK(blocked.steps[0].plugin == "acl");
    REQUIRE(!blocked.findings.empty());
    CHECK(blocked.findings[0].code == "acl");
}

TEST_CASE("explain: from what the server keeps alone, where details are refused") {
    ExplainRig rig(testing::web_yaml());
    const Explanation explanation =
        rig.explain({.name = "web", .type = {}, .from = "10.0.0.1", .ns = "prod"}, no_details);
    CHECK(explanation.found);
    CHECK(explanation.notes ==
          Texts{"cannot list pods: as scripted",
                "cannot list services: the API server says 403: forbidden?[2J"});
    REQUIRE(explanation.services.size() == 1);
    const ExplainedService& web = explanation.services[0];
    CHECK_FALSE(web.detailed);
    CHECK(web.cluster_ips == Texts{"10.96.0.1"});
    CHECK(web.ports.size() == 2);
    CHECK(web.ports[0].name == "http");
    CHECK(web.ports[0].protocol == "TCP");
    REQUIRE(web.slices.size() == 1);
    CHECK(web.slices[0].endpoints.size() == 2);
    CHECK(explanation_text(explanation, false).find("Endpoints known to the server") !=
          std::string::npos);
}

TEST_CASE("explain: a CNAME within the cluster, and an address") {
    ExplainRig rig(testing::web_yaml() + testing::service_yaml("prod", "alias",
                                                               "type: ExternalName, externalName: "
                                                               "web.prod.svc.cluster.local"));
    const Explanation alias = rig.explain("alias");
    CHECK(alias.found);
    REQUIRE(alias.chain.size() == 1);
    CHECK(alias.chain[0].target == "web.prod.svc.cluster.local.");
    CHECK(alias.chain[0].asks == "kubernetes");
    REQUIRE(alias.services.size() == 2);
    CHECK(alias.services[1].name == "web");
    const Explanation address = rig.explain("10.96.0.1");
    CHECK(address.found);
    CHECK(address.type == "PTR");
    REQUIRE(address.services.size() == 1);
    CHECK(address.services[0].name == "web");
}

TEST_CASE("explain: what is no question is an error in words") {
    ExplainRig rig(testing::web_yaml());
    const auto wrong =
        explain({.name = "a..b", .type = {}, .from = {}, .ns = {}}, rig.config(), rig.routing());
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error() == R"("a..b" is not a name)");
}

TEST_CASE("explain: text and JSON hold no control characters, whatever a tenant wrote") {
    ExplainRig rig(
        testing::service_yaml("prod", "bad",
                              "clusterIP: None, selector: {\"a\\eb\": \"c\\e[2Jd\"}, "
                              "ports: [{name: http, port: 80, targetPort: \"\\e[31m\"}]") +
        testing::slice_yaml("prod", "bad", "{addresses: [10.0.0.9], nodeName: \"\\e]0;x\\a\"}"));
    const Explanation explanation = rig.explain("bad");
    for (const std::string& text :
         {explanation_text(explanation, false), explanation_json(explanation)}) {
        CHECK(std::ranges::none_of(text, [](char c) {
            return (c != '\n' && static_cast<unsigned char>(c) < 0x20) || c == 0x7f;
        }));
    }
    CHECK(explanation_json(explanation).find("\\u00") == std::string::npos);
    CHECK(explanation_text(explanation, true).find("\x1b[") != std::string::npos);
}

}  // namespace server

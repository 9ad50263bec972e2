// A test for each finding, with its cause and cure as they are read.
#include "server/explain_findings.h"

#include <doctest/doctest.h>

#include "tests/server/explain_rig.h"

namespace server {
namespace {

using testing::ExplainRig;
using testing::pod_yaml;
using testing::service_yaml;
using testing::slice_yaml;
using testing::Texts;
using testing::web_yaml;

constexpr const char* kUnreadyC =
    "warning pod-not-ready: Pod prod/web-c (10.0.0.3) is not ready, so it is not in the Service "
    "prod/web: the readiness probe of container main fails (Ready is False: ContainersNotReady: "
    "containers with unready status: [main]). / Mend what keeps it from being ready: kubectl -n "
    "prod describe pod web-c shows the probe and its failures.";

std::string of_app(const std::string& app, const std::string& more = "") {
    return "clusterIP: 10.96.0.9, selector: {app: " + app + "}, ports: [{name: http, port: 80}]" +
           more;
}

}  // namespace

TEST_CASE("finding: the readiness probe fails; a cluster IP answers no ping") {
    ExplainRig rig(web_yaml());
    CHECK(rig.findings("web") ==
          Texts{kUnreadyC,
                "note no-ping: 10.96.0.1 is the cluster IP of the Service prod/web: it answers on "
                "the ports of the Service alone (http 80/TCP and dns 53/UDP), and no ping. / Test "
                "a port instead of ping: nc -zv web.prod 80"});
}

TEST_CASE("finding: no such namespace, with the one that was meant") {
    ExplainRig rig(web_yaml() + service_yaml("staging", "api", "clusterIP: 10.96.0.7"));
    CHECK(rig.findings("web.prd") ==
          Texts{R"(error no-such-namespace: There is no namespace "prd". The Service web is in )"
                "the namespace prod, whose name is near. / Ask for web.prod."});
    CHECK(rig.findings("web.production") ==
          Texts{R"(error no-such-namespace: There is no namespace "production". The Service web )"
                "is in the namespace prod. / Ask for web.prod."});
    CHECK(rig.findings("nothing.stagin.svc.cluster.local.") ==
          Texts{R"(error no-such-namespace: There is no namespace "stagin". There is the )"
                "namespace staging, whose name is near. / Correct the namespace in the name."});
    CHECK(rig.findings("nothing.nowhere.svc.cluster.local.") ==
          Texts{R"(error no-such-namespace: There is no namespace "nowhere". / Correct the )"
                "namespace in the name, or create it; kubectl get namespaces lists them."});
}

TEST_CASE("finding: no such Service, with the one that was meant") {
    ExplainRig rig(web_yaml());
    CHECK(rig.findings("wbe") ==
          Texts{R"(error no-such-service: The namespace prod has no Service "wbe". It has web, )"
                "whose name is near. / Ask for web.prod."});
    CHECK(rig.findings("database.prod") ==
          Texts{R"(error no-such-service: The namespace prod has no Service "database". / Correct )"
                "the name, or create the Service; kubectl -n prod get services lists those that "
                "there are."});
}

TEST_CASE("finding: a short name works in its namespace alone") {
    ExplainRig rig(web_yaml() + service_yaml("staging", "api", "clusterIP: 10.96.0.7"));
    CHECK(rig.findings("web", "", "staging") ==
          Texts{R"(error other-namespace: The namespace staging has no Service "web". A short )"
                "name works only in the namespace of its Service: web is in the namespace prod. / "
                "Ask for web.prod."});
    CHECK(rig.findings("web.staging") ==
          Texts{R"(error no-such-service: The namespace staging has no Service "web". web is in )"
                "the namespace prod. / Ask for web.prod."});
}

TEST_CASE("finding: no such port, and the target port in its place") {
    ExplainRig rig(web_yaml());
    CHECK(rig.findings("_htp._tcp.web", "SRV")[0] ==
          R"(error no-such-port: The Service prod/web has no port "htp" with the protocol tcp; )"
          "its ports: http 80/TCP and dns 53/UDP. / Ask for _http._tcp.web.prod.");
    CHECK(rig.findings("_http._udp.web", "SRV")[0] ==
          R"(error no-such-port: The Service prod/web has no port "http" with the protocol udp; )"
          "its ports: http 80/TCP and dns 53/UDP. / Ask for _http._tcp.web.prod.");
    CHECK(rig.findings("_8080._tcp.web", "SRV")[0] ==
          "error target-port: 8080 is the target port, where the pods listen. The port of the "
          "Service prod/web is http 80/TCP. / Ask for _http._tcp.web.prod.");
    CHECK(rig.findings("_domain._udp.web", "SRV")[0] ==
          "error target-port: domain is the target port, where the pods listen. The port of the "
          "Service prod/web is dns 53/UDP. / Ask for _dns._udp.web.prod.");
    CHECK(rig.findings("_nothing._tcp.web", "SRV")[0].ends_with(
        "/ Ask for one of these ports, or give the port that name in the Service."));
    CHECK(rig.findings("_sctp.web", "SRV")[0] ==
          "error no-such-port: The Service prod/web has no port with the protocol sctp; its "
          "ports: http 80/TCP and dns 53/UDP. / Ask for _port._protocol in front of the Service.");
    CHECK(rig.findings("web:8080")[0] ==
          "error target-port: 8080 is the target port, where the pods listen. The port of the "
          "Service prod/web is http 80/TCP. / Connect to port 80.");
    CHECK(rig.findings("web:81")[0] ==
          "error no-such-port: The Service prod/web has no port 81; its ports: http 80/TCP and dns "
          "53/UDP. / Connect to one of these ports.");
    CHECK(rig.findings("web:80")[0] == kUnreadyC);
}

TEST_CASE("finding: no pod matches the selector, and the nearest") {
    ExplainRig rig(service_yaml("prod", "wrong", of_app("wbe")) +
                   pod_yaml("prod", "web-a", "web", "10.0.0.1", std::string(testing::kReadyPod)) +
                   service_yaml("empty", "alone", of_app("alone")));
    CHECK(rig.findings("wrong")[0] ==
          "error no-pod-matches: No pod of the namespace prod matches the selector of the Service "
          "prod/wrong, app=wbe. Nearest is Pod prod/web-a (10.0.0.1) with app=web. / Correct the "
          "selector, or the labels of the pods.");
    CHECK(rig.findings("alone.empty")[0] ==
          "error no-pod-matches: No pod of the namespace empty matches the selector of the Service "
          "empty/alone, app=alone. / Start pods with these labels, or correct the selector.");
}

TEST_CASE("finding: a Service without selector and endpoints") {
    ExplainRig rig(service_yaml("prod", "manual", "clusterIP: 10.96.0.8, ports: [{port: 80}]"));
    CHECK(rig.findings("manual")[0] ==
          "error no-endpoints: The Service prod/manual has no selector, and nobody has made an "
          "EndpointSlice for it: it has no endpoints. / Give it a selector, or make an "
          "EndpointSlice with the label kubernetes.io/service-name=manual.");
}

TEST_CASE("finding: headless, with pods that are not ready; and all of them") {
    const std::string slice =
        "{addresses: [10.0.0.1], conditions: {ready: true}}, {addresses: "
        "[10.0.0.3], conditions: {ready: false}}";
    const std::string pods =
        pod_yaml("prod", "a", "web", "10.0.0.1", std::string(testing::kReadyPod)) +
        pod_yaml("prod", "c", "web", "10.0.0.3",
                 "conditions: [{type: Ready, status: 'False'}], containerStatuses: [{name: main, "
                 "ready: false, state: {waiting: {reason: CrashLoopBackOff, message: back-off "
                 "5m0s}}}]");
    ExplainRig rig(
        service_yaml("prod", "some", "clusterIP: None, selector: {app: web}") +
        slice_yaml("prod", "some", slice) +
        service_yaml("prod", "all",
                     "clusterIP: None, selector: {app: web}, publishNotReadyAddresses: true") +
        slice_yaml("prod", "all", slice) + pods);
    CHECK(rig.findings("some") ==
          Texts{"warning pod-not-ready: Pod prod/c (10.0.0.3) is not ready, so it is not in the "
                "Service prod/some: container main is waiting: CrashLoopBackOff: back-off 5m0s "
                "(Ready is False). / Mend what keeps it from being ready: kubectl -n prod describe "
                "pod c shows the probe and its failures.",
                "warning headless-not-ready: The Service prod/some is headless and gives the "
                "addresses of ready pods alone: 1 of 2 endpoints are left out, 10.0.0.3. / If "
                "clients shall find pods that are not ready, set publishNotReadyAddresses: true in "
                "the Service."});
    CHECK(rig.findings("all") ==
          Texts{"note pod-not-ready: Pod prod/c (10.0.0.3) is not ready, and is in the Service "
                "prod/all only by publishNotReadyAddresses: container main is waiting: "
                "CrashLoopBackOff: back-off 5m0s (Ready is False). / Mend what keeps it from being "
                "ready: kubectl -n prod describe pod c shows the probe and its failures."});
    const Explanation all = rig.explain("all");
    CHECK(all.services[0].slices[0].endpoints[1].in);
    CHECK(all.services[0].slices[0].endpoints[1].why == "publishNotReadyAddresses");
}

TEST_CASE("finding: none is ready") {
    ExplainRig rig(service_yaml("prod", "down", of_app("down")) +
                   slice_yaml("prod", "down",
                              "{addresses: [10.0.0.3], conditions: {ready: false, serving: true, "
                              "terminating: true}}") +
                   pod_yaml("prod", "d", "down", "10.0.0.3",
                            "conditions: [{type: PodScheduled, status: 'False', reason: "
                            "Unschedulable, message: no node}]"));
    const Explanation explanation = rig.explain("down");
    CHECK(explanation.found);
    CHECK(explanation.services[0].slices[0].endpoints[0].why == "terminating");
    const Texts findings = ExplainRig::findings(explanation);
    CHECK(findings[0] ==
          "error none-ready: None of the 1 endpoints of the Service prod/down is ready: its name "
          "leads to the cluster IP, where nobody answers. / Make its pods ready: kubectl -n prod "
          "get pods -l app=down.");
    CHECK(findings[1].find("PodScheduled is False: Unschedulable: no node.") != std::string::npos);
}

TEST_CASE("finding: none is ready of a headless Service, with endpoints and without") {
    const std::string pod =
        "---\n{apiVersion: v1, kind: Pod, metadata: {namespace: prod, name: d, labels: {app: "
        "down}}, "
        "spec: {containers: [{name: main, readinessProbe: {httpGet: {path: /ready, port: "
        "8080}}}]}, "
        "status: {podIP: 10.0.0.3, phase: Running, conditions: [{type: Ready, status: 'False', "
        "reason: ContainersNotReady, message: 'containers with unready status: [main]'}], "
        "containerStatuses: [{name: main, ready: false, state: {running: {}}}]}}\n";
    const std::string headless =
        service_yaml("prod", "down", "clusterIP: None, selector: {app: down}");
    const std::string cure =
        " / Make its pods ready: kubectl -n prod get pods -l app=down. If clients shall find pods "
        "that are not ready, set publishNotReadyAddresses: true in the Service.";
    const std::string probe =
        "warning pod-not-ready: Pod prod/d (10.0.0.3) is not ready, so it is not in the Service "
        "prod/down: the readiness probe of container main (GET /ready, port 8080) fails (Ready is "
        "False: ContainersNotReady: containers with unready status: [main]). / Mend what keeps it "
        "from being ready: kubectl -n prod describe pod d shows the probe and its failures.";
    ExplainRig rig(
        headless +
        slice_yaml("prod", "down", "{addresses: [10.0.0.3], conditions: {ready: false}}") + pod);
    const Explanation explanation = rig.explain("down");
    CHECK_FALSE(explanation.found);
    CHECK(
        ExplainRig::findings(explanation) ==
        Texts{"error none-ready: None of the 1 endpoints of the Service prod/down is ready: it is "
              "headless, so its name does not exist until one is." +
                  cure,
              probe});
    ExplainRig none(headless + pod);
    CHECK(
        none.findings("down") ==
        Texts{"error none-ready: The Service prod/down has no endpoints, since none of its 1 pods "
              "is ready: it is headless, so its name does not exist until one is." +
                  cure,
              probe});
}

TEST_CASE("finding: an ExternalName that is an address") {
    ExplainRig rig(service_yaml("prod", "outside", "type: ExternalName, externalName: 192.0.2.7"));
    const Texts findings = rig.findings("outside");
    REQUIRE(!findings.empty());
    CHECK(findings[0] ==
          "error external-name-is-address: The Service prod/outside is an ExternalName with the "
          "address 192.0.2.7. DNS takes it for a name, which nobody can resolve. / Make it a "
          "Service without selector, with an EndpointSlice that has the address; or give it a "
          "name.");
}

TEST_CASE("finding: an endpoint that is not there") {
    ExplainRig rig(web_yaml());
    CHECK(rig.findings("10-0-0-9.web")[0] ==
          R"(error no-such-endpoint: The Service prod/web has no endpoint "10-0-0-9"; it has )"
          "10-0-0-1, 10-0-0-2 and 10-0-0-3. / Ask for one of these, or for the Service itself. A "
          "pod has a name of its own by hostname, and subdomain with the name of a headless "
          "Service.");
    CHECK(rig.findings("10-0-0-3.web")[0] == kUnreadyC);
}

TEST_CASE("finding: a type that there is not") {
    ExplainRig rig(web_yaml());
    CHECK(rig.findings("web", "AAAA")[0] ==
          "error no-such-type: The Service has no AAAA record: its addresses are IPv4 alone. / Ask "
          "for A. For both families the Service needs ipFamilyPolicy: PreferDualStack, in a "
          "cluster that has both.");
    CHECK(rig.findings("web", "MX")[0] ==
          "error no-such-type: The name exists, but has no MX record: a Service has A, AAAA and "
          "SRV records alone. / Ask for A, AAAA or SRV.");
    CHECK(rig.findings("prod.svc.cluster.local.", "A") ==
          Texts{"error no-such-type: The name exists, but has no A record. / Ask for a name below "
                "it, or for another type."});
}

TEST_CASE("finding: svc is missing, or the zone is wrong") {
    ExplainRig rig(web_yaml());
    CHECK(rig.findings("web.prod.cluster.local.") ==
          Texts{"error no-svc-label: Names of Services have the label svc between namespace and "
                "zone, and this name has not. / Ask for web.prod.svc.cluster.local."});
    const Texts findings = rig.findings("web.prod.svc.cluster.lokal.");
    REQUIRE(findings.size() == 2);
    CHECK(findings[0] ==
          "error no-forward: web.prod.svc.cluster.lokal. is no name of the cluster, and the server "
          "block has no forward for it. / Add a forward line to the server block, for instance "
          "forward . /etc/resolv.conf");
    CHECK(findings[1] ==
          "error wrong-zone: web.prod.svc.cluster.lokal. has the form of a Service's name, but the "
          "zone of this cluster is cluster.local. / Ask for web.prod.svc.cluster.local.");
}

TEST_CASE("finding: names of pods") {
    const std::string pod = "10-0-0-1.prod.pod.cluster.local.";
    ExplainRig off(web_yaml());
    CHECK(off.findings(pod) ==
          Texts{"error no-pod-name: The server answers no names of pods: its Corefile says pods "
                "disabled. / Set pods verified or pods insecure, or ask for a Service."});
    ExplainRig verified(web_yaml(), "", "pods verified");
    CHECK(verified.explain(pod).found);
    CHECK(verified.findings("10-0-0-77.prod.pod.cluster.local.") ==
          Texts{"error no-pod-name: The namespace prod has no pod at the address of "
                "\"10-0-0-77\" (pods verified). / Look for the pod's address: kubectl -n prod get "
                "pods -o wide."});
    CHECK(verified.findings("web-a.prod.pod.cluster.local.") ==
          Texts{"error no-pod-name: A pod's name begins with its address, with dashes for dots; "
                "\"web-a\" is none. / Ask for a name like 10-0-0-8.prod.pod, or give the pod "
                "hostname and subdomain, and a headless Service."});
}

TEST_CASE("finding: namespaces that are not exposed, Services that are not seen") {
    ExplainRig rig(web_yaml(), "", "namespaces other");
    CHECK(rig.findings("web.prod.svc.cluster.local.") ==
          Texts{"error namespace-not-exposed: The server answers no names of the namespace prod: "
                "its Corefile names others (namespaces). / Add the namespace to the option "
                "namespaces of the Corefile."});
    ExplainRig labelled(web_yaml(), "", "labels app=x");
    CHECK(labelled.findings("web")[1] ==
          "error not-seen: The Service prod/web exists, but the server does not have it: its "
          "Corefile takes what has the labels app=x alone. / Give the Service these labels, or "
          "change the Corefile.");
}

TEST_CASE("finding: a Service that is ignored as empty") {
    ExplainRig rig(
        service_yaml("prod", "down", of_app("down")) +
            slice_yaml("prod", "down", "{addresses: [10.0.0.3], conditions: {ready: false}}"),
        "", "ignore empty_service");
    CHECK(rig.findings("down")[0] ==
          "error empty-service-ignored: The Service prod/down has no ready endpoints, and the "
          "Corefile says ignore empty_service. / Make a pod of it ready, or take the option out.");
}

TEST_CASE("finding: no server block, and an upstream that does not answer") {
    ExplainRig narrow(web_yaml(), "cluster.local", "", "");
    CHECK(narrow.findings("www.example.org.") ==
          Texts{"error no-server-block: No server block of the Corefile serves www.example.org. / "
                "Add a server block for it, or for the root (. { forward ... })."});
    // Port 9 of loopback: nobody is there.
    ExplainRig rig(web_yaml() + service_yaml("prod", "alias",
                                             "type: ExternalName, externalName: www.example.org"),
                   "forward . 127.0.0.1:9 {\nmax_fails 0\n}");
    const Explanation alias = rig.explain("alias");
    CHECK_FALSE(alias.found);
    CHECK(alias.subject == 0);
    REQUIRE(alias.chain.size() == 1);
    CHECK(alias.chain[0].asks == "forward . to 127.0.0.1:9");
    REQUIRE(!alias.findings.empty());
    CHECK(alias.findings[0].code == "upstream-failed");
    CHECK(alias.findings[0].cause.starts_with(
        "The upstreams did not answer for www.example.org.: forward . to 127.0.0.1:9"));
    CHECK(alias.findings[0].cure ==
          "Ask an upstream itself from where the server runs: dig @127.0.0.1 -p 9 "
          "www.example.org.");
}

TEST_CASE("finding: what has not been listed yet") {
    ExplainRig rig(web_yaml());
    Config config = testing::load(". {\nkubernetes cluster.local\n}\n");
    expand_wildcards(config);
    const Routing routing = make_routing(config, {}, {});
    const auto explanation =
        explain({.name = "web", .type = {}, .from = {}, .ns = "prod"}, config, routing,
                [](const KubernetesConfig&) -> std::unique_ptr<k8s_client::DetailSource> {
                    throw ConfigError("not in a pod");
                });
    REQUIRE(explanation);
    CHECK(explanation->notes == Texts{"not in a pod"});
    CHECK(explanation->steps[0].rcode == "SERVFAIL");
    CHECK(ExplainRig::findings(*explanation) ==
          Texts{"error not-synced: The server has not listed all objects of the API server yet: "
                "what it does not know is SERVFAIL until then. / Wait; if it stays so, look at the "
                "server's log for what keeps it from the API server (address, token, RBAC)."});
}

}  // namespace server

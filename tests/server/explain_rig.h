// Explains names of a cluster that stands in a test as manifests, with no server running.
// Owns a folder with the files, the routing and the source; one thread, the test's.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/cluster_source.h"
#include "server/config_listen.h"
#include "server/explain.h"
#include "tests/server/config_loading.h"
#include "tests/server/journal_lines.h"
#include "tests/support/scratch_folder.h"

namespace server::testing {

/// A document of YAML for each.
inline std::string service_yaml(const std::string& ns, const std::string& name,
                                const std::string& spec) {
    return "---\n{apiVersion: v1, kind: Service, metadata: {namespace: " + ns + ", name: " + name +
           "}, spec: {" + spec + "}}\n";
}

/// Endpoints as `addresses: [...], conditions: {...}`.
inline std::string slice_yaml(const std::string& ns, const std::string& service,
                              const std::string& endpoints, const std::string& ports = "") {
    return "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, "
           "metadata: {namespace: " +
           ns + ", name: " + service + "-1, labels: {kubernetes.io/service-name: " + service +
           "}}, endpoints: [" + endpoints + "], ports: [" + ports + "]}\n";
}

inline std::string pod_yaml(const std::string& ns, const std::string& name, const std::string& app,
                            const std::string& ip, const std::string& status) {
    return "---\n{apiVersion: v1, kind: Pod, metadata: {namespace: " + ns + ", name: " + name +
           ", labels: {app: " + app + "}}, status: {podIP: " + ip + ", phase: Running, " + status +
           "}}\n";
}

inline constexpr std::string_view kReadyPod = "conditions: [{type: Ready, status: 'True'}]";

/// What the tests share: `web` in prod, with three pods of which two are ready.
inline std::string web_yaml() {
    const std::string unready =
        "conditions: [{type: Ready, status: 'False', reason: ContainersNotReady, message: "
        "'containers with unready status: [main]'}], containerStatuses: [{name: main, ready: "
        "false, state: {running: {}}}]";
    return service_yaml("prod", "web",
                        "clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: http, port: "
                        "80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP, targetPort: "
                        "domain}]") +
           slice_yaml("prod", "web",
                      "{addresses: [10.0.0.1], conditions: {ready: true}}, {addresses: [10.0.0.2], "
                      "conditions: {ready: true}}, {addresses: [10.0.0.3], conditions: {ready: "
                      "false, serving: false, terminating: false}, targetRef: {kind: Pod, name: "
                      "web-c}}",
                      "{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}") +
           pod_yaml("prod", "web-a", "web", "10.0.0.1", std::string(kReadyPod)) +
           pod_yaml("prod", "web-b", "web", "10.0.0.2", std::string(kReadyPod)) +
           pod_yaml("prod", "web-c", "web", "10.0.0.3", unready);
}

class ExplainRig {
  public:
    /// `lines` stand in the server block, `options` in `kubernetes`.
    explicit ExplainRig(const std::string& yaml, const std::string& lines = "",
                        const std::string& options = "")
        : ExplainRig(yaml, "", lines, options) {}
    ExplainRig(const std::string& yaml, const std::string& zone, const std::string& lines,
               const std::string& options)
        : config_(config_for(yaml, zone, lines, options)), routing_(make_routing(config_, {}, {})) {
        for (const Block& block : routing_.blocks) {
            if (block.cluster != nullptr) {
                source_ = std::make_unique<ClusterSource>(*block.config->kubernetes, *block.cluster,
                                                          zones::HashKey{}, journal_);
            }
        }
    }

    /// Throws std::runtime_error with the error.
    Explanation explain(const ExplainRequest& request, const OpenDetails& open = open_details) {
        auto explanation = server::explain(request, config_, routing_, open);
        if (!explanation) {
            throw std::runtime_error(explanation.error());
        }
        return std::move(*explanation);
    }
    Explanation explain(const std::string& name, const std::string& type = "",
                        const std::string& ns = "prod") {
        return explain(ExplainRequest{.name = name, .type = type, .from = {}, .ns = ns});
    }

    /// "weight code: cause / cure" of each finding.
    std::vector<std::string> findings(const std::string& name, const std::string& type = "",
                                      const std::string& ns = "prod") {
        return findings(explain(name, type, ns));
    }
    static std::vector<std::string> findings(const Explanation& explanation) {
        constexpr std::string_view kWeights[] = {"note", "warning", "error"};
        std::vector<std::string> texts;
        for (const Finding& finding : explanation.findings) {
            texts.push_back(std::string(kWeights[static_cast<std::size_t>(finding.weight)]) + " " +
                            std::string(finding.code) + ": " + finding.cause + " / " +
                            finding.cure);
        }
        return texts;
    }

    const Config& config() const { return config_; }
    const Routing& routing() const { return routing_; }

  private:
    Config config_for(const std::string& yaml, const std::string& zone, const std::string& lines,
                      const std::string& options) {
        folder_.write("objects.yaml", yaml);
        const std::string corefile = (zone.empty() ? "." : zone) + ":53 {\n" + lines +
                                     "\nkubernetes cluster.local in-addr.arpa {\nmanifests "
                                     "objects.yaml\n" +
                                     options + "\n}\n}\n";
        Config config = load(corefile, folder_.path());
        expand_wildcards(config);
        return config;
    }

    support::ScratchFolder folder_;
    JournalLines journal_;
    Config config_;
    Routing routing_;
    std::unique_ptr<ClusterSource> source_;
};

}  // namespace server::testing

// What is wrong with a Service, its endpoints and pods.
#include <algorithm>

#include "server/explain_findings.h"
#include "server/near_spelling.h"
#include "zones/message.h"

namespace server {
namespace {

using k8s_client::PodDetail;
using Weight = Finding::Weight;

constexpr std::size_t kMostPods = 5;  // that are named, each with its cause

std::string pod_title(const PodDetail& pod) {
    return "Pod " + printable(pod.ns + "/" + pod.name) +
           (pod.ips.empty() ? "" : " (" + printable(pod.ips.front()) + ")");
}

std::string kubectl(const std::string& ns, const std::string& what) {
    return "kubectl -n " + printable(ns) + ' ' + what;
}

std::string labels_text(const k8s_client::Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        text += (text.empty() ? "" : ",") + printable(key) + '=' + printable(value);
    }
    return text;
}

/// "ContainersNotReady: containers with unready status: [main]"
std::string reason_text(const std::string& reason, const std::string& message) {
    return printable(reason) + (reason.empty() || message.empty() ? "" : ": ") + printable(message);
}

/// What the pod says of itself; empty if nothing.
std::string pod_state(const PodDetail& pod) {
    if (pod.terminating) {
        return "it is being deleted";
    }
    for (const auto& container : pod.containers) {
        if (container.ready.value_or(true)) {
            continue;
        }
        const std::string named = "container " + printable(container.name);
        if (container.state == "running") {
            const std::string probe = printable(container.readiness_probe);
            return "the readiness probe of " + named + (probe.empty() ? "" : " (" + probe + ")") +
                   " fails";
        }
        if (!container.state.empty()) {
            const std::string why = reason_text(container.reason, container.message);
            return named + " is " + printable(container.state) + (why.empty() ? "" : ": " + why);
        }
    }
    return {};
}

std::string pod_cause(const PodDetail& pod) {
    std::string text = pod_state(pod);
    const k8s_client::PodCondition* condition = pod.condition("Ready");
    const auto* const scheduled = pod.condition("PodScheduled");
    if (scheduled != nullptr && scheduled->status == "False") {
        condition = scheduled;
    }
    if (condition == nullptr) {
        return text.empty() && !pod.phase.empty() ? "its phase is " + printable(pod.phase) : text;
    }
    std::string says = printable(condition->type) + " is " + printable(condition->status);
    const std::string why = reason_text(condition->reason, condition->message);
    says += why.empty() ? "" : ": " + why;
    return text.empty() ? says : text + " (" + says + ")";
}

void add_unready_pod(const PodDetail& pod, const ServiceEvidence& service, bool published,
                     std::vector<Finding>& out) {
    const std::string cause = pod_cause(pod);
    std::string cure = "Mend what keeps it from being ready: ";
    if (pod.terminating) {
        cure = "Wait until it is gone; if another pod shall take its place: ";
    }
    out.push_back(
        {"pod-not-ready", published ? Weight::Note : Weight::Warning,
         pod_title(pod) + " is not ready" +
             (published ? ", and is in the " + service.title() + " only by publishNotReadyAddresses"
                        : ", so it is not in the " + service.title()) +
             (cause.empty() ? "." : ": " + cause + (cause.ends_with('.') ? "" : ".")),
         cure + kubectl(pod.ns, "describe pod " + printable(pod.name)) +
             " shows the probe and its failures."});
}

struct EndpointCounts {
    std::size_t all = 0, ready = 0;
    std::vector<std::string> not_ready;  // addresses
};

EndpointCounts count_endpoints(const ServiceEvidence& service) {
    EndpointCounts counts;
    for (const auto& slice : service.view.slices) {
        for (const auto& endpoint : slice.endpoints) {
            ++counts.all;
            if (endpoint.ready.value_or(true)) {
                ++counts.ready;
            } else if (!endpoint.addresses.empty()) {
                counts.not_ready.push_back(printable(endpoint.addresses.front()));
            }
        }
    }
    return counts;
}

std::string fraction(std::size_t part, std::size_t all) {
    return std::to_string(part) + " of " + std::to_string(all);
}

/// The pod whose labels have most of the selector.
const PodDetail* nearest_pod(const k8s_client::Labels& selector,
                             const std::vector<PodDetail>& pods) {
    const auto rank = [&](const PodDetail& pod) {
        std::size_t points = 0;
        for (const auto& [key, value] : selector) {
            const auto label =
                std::ranges::find(pod.labels, key, &k8s_client::Labels::value_type::first);
            if (label == pod.labels.end()) {
                continue;
            }
            const bool near = edit_distance(label->second, value) <= 2;
            points += label->second == value ? 3 : near ? 2 : 1;
        }
        return points;
    };
    const PodDetail* nearest = nullptr;
    std::size_t best = 0;
    for (const PodDetail& pod : pods) {
        if (const std::size_t points = rank(pod); points > best) {
            best = points;
            nearest = &pod;
        }
    }
    return nearest;
}

/// The labels that the selector asks for, as the pod has them.
k8s_client::Labels labels_like(const k8s_client::Labels& selector, const PodDetail& pod) {
    k8s_client::Labels labels;
    std::ranges::copy_if(pod.labels, std::back_inserter(labels), [&](const auto& label) {
        return std::ranges::find(selector, label.first, &k8s_client::Labels::value_type::first) !=
               selector.end();
    });
    return labels;
}

void add_no_pods(const ServiceEvidence& service, std::vector<Finding>& out) {
    const k8s_client::Labels& selector = service.view.service->selector;
    Finding finding{"no-pod-matches",
                    Weight::Error,
                    "No pod of the namespace " + service.ns + " matches the selector of the " +
                        service.title() + ", " + labels_text(selector) + '.',
                    {}};
    const PodDetail* const nearest = nearest_pod(selector, service.view.other_pods);
    if (nearest != nullptr) {
        const std::string has = labels_text(labels_like(selector, *nearest));
        finding.cause += " Nearest is " + pod_title(*nearest) + " with " + has + '.';
        finding.cure = "Correct the selector, or the labels of the pods.";
    } else {
        finding.cure = "Start pods with these labels, or correct the selector.";
    }
    out.push_back(std::move(finding));
}

void add_pod_findings(const ServiceEvidence& service, const EndpointCounts& counts,
                      std::vector<Finding>& out) {
    const auto& view = service.view;
    const bool published = view.service->publish_not_ready_addresses;
    std::size_t named = 0, unnamed = 0;
    for (const PodDetail& pod : view.pods) {
        if (pod.ready() || pod.phase == "Succeeded" || pod.phase == "Failed") {
            continue;
        }
        if (named < kMostPods) {
            add_unready_pod(pod, service, published, out);
            ++named;
        } else {
            ++unnamed;
        }
    }
    if (unnamed > 0) {
        out.push_back(
            {"pod-not-ready", Weight::Note,
             std::to_string(unnamed) + " more pods of the " + service.title() + " are not ready.",
             kubectl(service.ns, "get pods -l " + labels_text(view.service->selector)) +
                 " lists them."});
    }
    if (!view.pods_known && counts.all > counts.ready) {
        out.push_back({"endpoint-not-ready", published ? Weight::Note : Weight::Warning,
                       fraction(counts.all - counts.ready, counts.all) + " endpoints of the " +
                           service.title() + " are not ready: " + listed(counts.not_ready) + '.',
                       "Look at these pods: " + kubectl(service.ns, "get pods -o wide") + '.'});
    }
}

/// `None of the 3 endpoints of the Service prod/web is ready: ...`, or of its pods where there are
/// no endpoints yet.
void add_none_ready(const ServiceEvidence& service, const EndpointCounts& counts,
                    std::vector<Finding>& out) {
    const auto& object = *service.view.service;
    const bool headless = object.headless();
    const bool published = object.publish_not_ready_addresses;
    Finding finding{"none-ready", Weight::Error, {}, {}};
    finding.cause = counts.all > 0
                        ? "None of the " + std::to_string(counts.all) + " endpoints of the " +
                              service.title() + " is ready: "
                        : "The " + service.title() + " has no endpoints, since none of its " +
                              std::to_string(service.view.pods.size()) + " pods is ready: ";
    finding.cause += headless ? "it is headless, so its name does not exist until one is."
                              : "its name leads to the cluster IP, where nobody answers.";
    finding.cure = "Make its pods ready: " +
                   kubectl(service.ns, "get pods -l " + labels_text(object.selector)) + '.';
    if (headless && !published) {
        finding.cure +=
            " If clients shall find pods that are not ready, set publishNotReadyAddresses: true in "
            "the Service.";
    }
    out.push_back(std::move(finding));
}

/// Endpoints that are missing or not ready, seen from the Service.
void add_endpoint_findings(const ServiceEvidence& service, std::vector<Finding>& out) {
    const auto& view = service.view;
    const EndpointCounts counts = count_endpoints(service);
    const bool selected = !view.service->selector.empty();
    const bool published = view.service->publish_not_ready_addresses;
    if (selected && view.pods_known && view.pods.empty()) {
        if (counts.all == 0) {
            add_no_pods(service, out);
        }
        return;
    }
    if (!selected && view.slices_known && counts.all == 0) {
        out.push_back({"no-endpoints", Weight::Error,
                       "The " + service.title() +
                           " has no selector, and nobody has made an "
                           "EndpointSlice for it: it has no endpoints.",
                       "Give it a selector, or make an EndpointSlice with the label "
                       "kubernetes.io/service-name=" +
                           service.name + '.'});
        return;
    }
    add_pod_findings(service, counts, out);
    const bool headless = view.service->headless();
    const bool unready_pods =
        view.slices_known && view.pods_known && std::ranges::none_of(view.pods, &PodDetail::ready);
    if (counts.ready == 0 && !(headless && published && counts.all > 0) &&
        (counts.all > 0 || unready_pods)) {
        add_none_ready(service, counts, out);
    } else if (headless && !published && counts.all > counts.ready) {
        out.push_back({"headless-not-ready", Weight::Warning,
                       "The " + service.title() +
                           " is headless and gives the addresses of ready "
                           "pods alone: " +
                           fraction(counts.all - counts.ready, counts.all) +
                           " endpoints are left out, " + listed(counts.not_ready) + '.',
                       "If clients shall find pods that are not ready, set "
                       "publishNotReadyAddresses: true in the Service."});
    }
}

/// One label in front of a Service, which no endpoint has.
void add_endpoint_name(const ServiceEvidence& service, const ClusterName& name,
                       std::vector<Finding>& out) {
    const std::string& label = name.front.front();
    if (label.starts_with('_')) {
        out.push_back({"no-such-port", Weight::Error,
                       "The " + service.title() + " has no port with the protocol " +
                           label_text(label.substr(1)) + "; its ports: " + ports_text(service) +
                           '.',
                       "Ask for _port._protocol in front of the Service."});
        return;
    }
    std::vector<std::string> labels;
    for (const auto& slice : service.view.slices) {
        for (const auto& endpoint : slice.endpoints) {
            for (const auto& address : endpoint.addresses) {
                const std::string own =
                    endpoint.hostname.empty() ? zones::address_label(address) : endpoint.hostname;
                if (zones::to_lower(std::string_view(own)) == label &&
                    !endpoint.ready.value_or(true)) {
                    return;  // it is not ready: that is found elsewhere
                }
                labels.push_back(printable(zones::to_lower(std::string_view(own))));
            }
        }
    }
    std::ranges::sort(labels);
    constexpr std::size_t kShown = 5;
    const bool more = labels.size() > kShown;
    labels.resize(std::min(labels.size(), kShown));
    out.push_back(
        {"no-such-endpoint", Weight::Error,
         "The " + service.title() + " has no endpoint \"" + label_text(label) + "\"" +
             (labels.empty() ? "." : "; it has " + listed(labels) + (more ? " and more." : ".")),
         "Ask for one of these, or for the Service itself. A pod has a name of its own by "
         "hostname, and subdomain with the name of a headless Service."});
}

void add_cluster_ip_note(const ServiceEvidence& service, const NameEvidence& name,
                         std::vector<Finding>& out) {
    const auto qtype = name.question.qtype;
    if (!name.answered || service.records->kind != zones::ServiceRecords::Kind::ClusterIp ||
        (qtype != zones::qtype::kA && qtype != zones::qtype::kAaaa &&
         qtype != zones::qtype::kPtr)) {
        return;
    }
    const auto& ips = service.records->cluster_ips;
    const std::string ip =
        ips.v4.empty() ? zones::to_string(ips.v6.front()) : zones::to_string(ips.v4.front());
    const std::string test = test_command(service);
    out.push_back(
        {"no-ping", Weight::Note,
         ip + " is the cluster IP of the " + service.title() +
             ": it answers on the ports "
             "of the Service alone (" +
             ports_text(service) + "), and no ping.",
         test.empty() ? "Test a port instead of ping." : "Test a port instead of ping: " + test});
}

void add_external_name(const ServiceEvidence& service, std::vector<Finding>& out) {
    const std::string target = printable(service.view.service->external_name);
    if (zones::parse_address(target)) {
        out.push_back({"external-name-is-address", Weight::Error,
                       "The " + service.title() + " is an ExternalName with the address " + target +
                           ". DNS takes it for a name, which nobody can resolve.",
                       "Make it a Service without selector, with an EndpointSlice that has the "
                       "address; or give it a name."});
    }
}

void add_absence(const ServiceEvidence& service, std::vector<Finding>& out) {
    if (!service.view.service || leaves_out(service.cluster->options, service.ns)) {
        return;
    }
    const auto& labels = service.cluster->labels;
    const bool ignored = service.cluster->options.ignore_empty_service;
    out.push_back({"not-seen", Weight::Error,
                   "The " + service.title() + " exists, but the server does not have it" +
                       (labels.empty() ? ignored ? ": it may be ignored as empty." : " (yet)."
                                       : ": its Corefile takes what has the labels " +
                                             printable(labels.text()) + " alone."),
                   labels.empty() ? "Ask again; if it stays so, look at the server's log and at "
                                    "keryx_api_data_age_seconds."
                                  : "Give the Service these labels, or change the Corefile."});
}

}  // namespace

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
    }
    return text;
}

void add_service_findings(const ServiceEvidence& service, const NameEvidence& name,
                          std::vector<Finding>& out) {
    if (service.records == nullptr) {
        add_absence(service, out);
        return;
    }
    const bool asked = name.records == service.records && name.in_cluster;
    const bool external = service.view.service && service.view.service->type == "ExternalName";
    if (asked && !name.answered && !external &&
        name.reply.rcode == static_cast<unsigned>(zones::Rcode::NxDomain)) {
        if (name.in_cluster->front.size() == 1) {
            add_endpoint_name(service, *name.in_cluster, out);
        }
    }
    if (asked) {
        add_port_findings(service, name, out);
    }
    if (external) {
        add_external_name(service, out);
        return;
    }
    if (service.view.service) {
        add_endpoint_findings(service, out);
    }
    add_cluster_ip_note(service, name, out);
}

}  // namespace server

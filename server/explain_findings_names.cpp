// What is wrong with a name.
#include <algorithm>

#include "server/explain_findings.h"
#include "server/near_spelling.h"
#include "zones/locate.h"
#include "zones/presentation.h"

namespace server {
namespace {

using Below = ClusterName::Below;
using Weight = Finding::Weight;

/// `kubia.prod`, with the labels that stood in front of it.
std::string relative_name(const ClusterName& name, std::string_view service, std::string_view ns) {
    std::string text;
    for (const std::string& label : name.front) {
        text += label_text(label) + '.';
    }
    return text + label_text(service) + '.' + label_text(ns);
}

std::string ask_for(const ClusterName& name, const std::vector<std::string>& services,
                    const std::vector<std::string>& namespaces) {
    std::vector<std::string> names;
    for (const std::string& service : services) {
        for (const std::string& ns : namespaces) {
            names.push_back(relative_name(name, service, ns));
        }
    }
    std::string text = "Ask for ";
    for (std::size_t i = 0; i < names.size(); ++i) {
        text += (i == 0 ? "" : " or ") + names[i];
    }
    return text + '.';
}

std::vector<std::string> label_texts(const std::vector<std::string>& labels) {
    std::vector<std::string> out;
    std::ranges::transform(labels, std::back_inserter(out), label_text);
    return out;
}

std::string in_namespaces(const std::vector<std::string>& namespaces) {
    return (namespaces.size() == 1 ? "the namespace " : "the namespaces ") +
           listed(label_texts(namespaces));
}

void no_namespace(const NameEvidence& evidence, std::vector<Finding>& out) {
    const ClusterName& name = *evidence.in_cluster;
    Finding finding{"no-such-namespace",
                    Weight::Error,
                    "There is no namespace \"" + label_text(name.ns) + "\".",
                    {}};
    const auto near = near_spellings(name.ns, *evidence.snapshot->namespaces);
    const auto having = namespaces_with(*evidence.snapshot, name.service);
    std::vector<std::string> meant;
    std::ranges::copy_if(near, std::back_inserter(meant), [&](const std::string& ns) {
        return std::ranges::find(having, ns) != having.end();
    });
    if (!meant.empty()) {
        finding.cause += " The Service " + label_text(name.service) + " is in " +
                         in_namespaces(meant) + ", whose name is near.";
        finding.cure = ask_for(name, {name.service}, meant);
    } else if (!having.empty()) {
        finding.cause +=
            " The Service " + label_text(name.service) + " is in " + in_namespaces(having) + ".";
        finding.cure = ask_for(name, {name.service}, having);
    } else if (!near.empty()) {
        finding.cause += " There is " + in_namespaces(near) + ", whose name is near.";
        finding.cure = "Correct the namespace in the name.";
    } else {
        finding.cure =
            "Correct the namespace in the name, or create it; kubectl get namespaces lists them.";
    }
    if (name.below == Below::Pod) {
        finding.cure = "Correct the namespace in the name.";
    }
    out.push_back(std::move(finding));
}

bool is_short(const NameEvidence& evidence) {
    return !evidence.question.absolute && evidence.question.name.label_count() == 1;
}

void no_service(const NameEvidence& evidence, std::vector<Finding>& out) {
    const ClusterName& name = *evidence.in_cluster;
    const std::string service = label_text(name.service);
    Finding finding{"no-such-service",
                    Weight::Error,
                    "The namespace " + label_text(name.ns) + " has no Service \"" + service + "\".",
                    {}};
    const auto near = near_spellings(name.service, services_in(*evidence.snapshot, name.ns));
    const auto having = namespaces_with(*evidence.snapshot, name.service);
    if (!having.empty()) {
        if (is_short(evidence)) {
            finding.code = "other-namespace";
            finding.cause += " A short name works only in the namespace of its Service: ";
        } else {
            finding.cause += " ";
        }
        finding.cause += service + " is in " + in_namespaces(having) + ".";
        finding.cure = ask_for(name, {name.service}, having);
    } else if (!near.empty()) {
        finding.cause += near.size() == 1
                             ? " It has " + label_text(near.front()) + ", whose name is near."
                             : " It has " + listed(label_texts(near)) + ", whose names are near.";
        finding.cure = ask_for(name, near, {name.ns});
    } else {
        finding.cure = "Correct the name, or create the Service; kubectl -n " +
                       label_text(name.ns) + " get services lists those that there are.";
    }
    out.push_back(std::move(finding));
}

/// `<service>.<ns>.<zone>`: the Service is there, `svc` is not.
bool add_missing_svc(const NameEvidence& evidence, std::vector<Finding>& out) {
    const ClusterName& name = *evidence.in_cluster;
    if (name.reverse || name.below != Below::Other || name.front.size() < 2) {
        return false;
    }
    const std::string& service = name.front[name.front.size() - 2];
    const std::string& ns = name.front.back();
    if (find_service(*evidence.snapshot, service, ns) == nullptr) {
        return false;
    }
    out.push_back({"no-svc-label", Weight::Error,
                   "Names of Services have the label svc between namespace and zone, and this name "
                   "has not.",
                   "Ask for " + label_text(service) + '.' + label_text(ns) + ".svc." +
                       name.zone.to_string()});
    return true;
}

void bad_pod_name(const NameEvidence& evidence, std::vector<Finding>& out) {
    const ClusterName& name = *evidence.in_cluster;
    const auto mode = evidence.cluster->options.pods;
    Finding finding{"no-pod-name", Weight::Error, {}, {}};
    const std::string label = name.front.empty() ? "" : name.front.back();
    if (mode == zones::PodMode::Disabled) {
        finding.cause = "The server answers no names of pods: its Corefile says pods disabled.";
        finding.cure = "Set pods verified or pods insecure, or ask for a Service.";
    } else if (!zones::parse_address_label(label)) {
        finding.cause = "A pod's name begins with its address, with dashes for dots; \"" +
                        label_text(label) + "\" is none.";
        finding.cure = "Ask for a name like 10-0-0-8." + label_text(name.ns) +
                       ".pod, or give the "
                       "pod hostname and subdomain, and a headless Service.";
    } else {
        finding.cause = "The namespace " + label_text(name.ns) +
                        " has no pod at the address of \"" + label_text(label) +
                        "\" (pods verified).";
        finding.cure =
            "Look for the pod's address: kubectl -n " + label_text(name.ns) + " get pods -o wide.";
    }
    out.push_back(std::move(finding));
}

void hidden_namespace(const ClusterName& name, std::vector<Finding>& out) {
    out.push_back({"namespace-not-exposed", Weight::Error,
                   "The server answers no names of the namespace " + label_text(name.ns) +
                       ": its Corefile names others (namespaces).",
                   "Add the namespace to the option namespaces of the Corefile."});
}

/// A Service is there, and its name is not answered.
void hidden_service(const NameEvidence& evidence, std::vector<Finding>& out) {
    const ClusterName& name = *evidence.in_cluster;
    if (evidence.cluster->options.ignore_empty_service) {
        out.push_back({"empty-service-ignored", Weight::Error,
                       "The Service " + label_text(name.ns) + "/" + label_text(name.service) +
                           " has no ready endpoints, and the Corefile says ignore empty_service.",
                       "Make a pod of it ready, or take the option out."});
    }
}

/// The rcode is NOERROR, and there are no records.
void no_data(const NameEvidence& evidence, std::vector<Finding>& out) {
    const std::string type = zones::type_to_string(evidence.question.qtype);
    const bool address = evidence.question.qtype == zones::qtype::kA ||
                         evidence.question.qtype == zones::qtype::kAaaa;
    const zones::ServiceRecords* records = evidence.records;
    if (records == nullptr || evidence.in_cluster->front.size() == 1) {
        out.push_back({"no-such-type", Weight::Error,
                       "The name exists, but has no " + type + " record.",
                       "Ask for a name below it, or for another type."});
        return;
    }
    if (address && !records->addresses().empty()) {
        const bool v4 = records->addresses().v6.empty();
        out.push_back({"no-such-type", Weight::Error,
                       "The Service has no " + type + " record: its addresses are " +
                           (v4 ? "IPv4" : "IPv6") + " alone.",
                       std::string("Ask for ") + (v4 ? "A" : "AAAA") +
                           ". For both families the Service needs ipFamilyPolicy: "
                           "PreferDualStack, in a cluster that has both."});
    } else if (!address && evidence.question.qtype != zones::qtype::kSrv) {
        out.push_back({"no-such-type", Weight::Error,
                       "The name exists, but has no " + type +
                           " record: a Service has A, AAAA and "
                           "SRV records alone.",
                       "Ask for A, AAAA or SRV."});
    }
}

/// Names that look like the cluster's, in a zone that is not.
void wrong_zone(const NameEvidence& evidence, std::vector<Finding>& out) {
    if (evidence.cluster == nullptr || !evidence.question.name.label_count()) {
        return;
    }
    zones::LoweredName name;
    name.assign(evidence.qname.wire());
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < name.labels; ++i) {
        labels.emplace_back(name.label(i));
    }
    const auto svc = std::ranges::find(labels, "svc");
    if (svc == labels.end() || svc - labels.begin() < 2 || svc + 1 == labels.end()) {
        return;
    }
    const zones::Name& zone = primary_zone(evidence.cluster->options);
    std::string front;
    for (auto label = labels.begin(); label != svc; ++label) {
        front += label_text(*label) + '.';
    }
    out.push_back({"wrong-zone", Weight::Error,
                   evidence.qname.to_string() +
                       " has the form of a Service's name, but the zone of "
                       "this cluster is " +
                       zone.to_string(),
                   "Ask for " + front + "svc." + zone.to_string()});
}

}  // namespace

void add_name_findings(const NameEvidence& evidence, std::vector<Finding>& out) {
    if (evidence.answered) {
        return;
    }
    if (!evidence.in_cluster || evidence.snapshot == nullptr) {
        wrong_zone(evidence, out);
        return;
    }
    const ClusterName& name = *evidence.in_cluster;
    const bool in_service = name.below == Below::Service;
    const bool nxdomain = evidence.reply.rcode == static_cast<unsigned>(zones::Rcode::NxDomain);
    if (name.below != Below::Other && leaves_out(evidence.cluster->options, name.ns)) {
        hidden_namespace(name, out);
    } else if (evidence.records != nullptr && !evidence.records->visible) {
        hidden_service(evidence, out);
    } else if (nxdomain && name.below != Below::Other &&
               !evidence.snapshot->namespace_exposed(name.ns)) {
        no_namespace(evidence, out);
    } else if (nxdomain && in_service && evidence.records == nullptr) {
        no_service(evidence, out);
    } else if (nxdomain && name.below == Below::Pod) {
        bad_pod_name(evidence, out);
    } else if (nxdomain && name.below == Below::Other) {
        add_missing_svc(evidence, out);
    } else if (evidence.replied && evidence.reply.rcode == 0) {
        no_data(evidence, out);
    }
}

}  // namespace server

// What is wrong with the server, its upstreams, or what it has to answer from.
#include <algorithm>

#include "server/explain_findings.h"
#include "server/forward_text.h"

namespace server {
namespace {

using Weight = Finding::Weight;

bool is(const NameEvidence& evidence, zones::Rcode rcode) {
    return evidence.replied && evidence.reply.rcode == static_cast<unsigned>(rcode);
}

void add_state(const NameEvidence& evidence, std::vector<Finding>& out) {
    if (evidence.snapshot == nullptr || !evidence.in_cluster) {
        return;
    }
    if (evidence.snapshot->stale) {
        out.push_back({"stale", Weight::Warning,
                       "The server answers from the snapshot of an earlier run: it has not listed "
                       "the objects of the API server since it was started.",
                       "Look at the server's log for what keeps it from the API server."});
    } else if (!evidence.snapshot->synced) {
        out.push_back({"not-synced", Weight::Error,
                       "The server has not listed all objects of the API server yet: what it does "
                       "not know is SERVFAIL until then.",
                       "Wait; if it stays so, look at the server's log for what keeps it from the "
                       "API server (address, token, RBAC)."});
    }
}

void add_refusal(const NameEvidence& evidence, std::vector<Finding>& out) {
    if (evidence.plugin == "acl") {
        out.push_back(
            {"acl", Weight::Error,
             "An access list (acl) of the server block refuses this client or name.",
             "Change the acl lines of the Corefile; with -from the address of a pod, this "
             "shows what that pod is told."});
    } else if (evidence.block == nullptr) {
        out.push_back({"no-server-block", Weight::Error,
                       "No server block of the Corefile serves " + evidence.qname.to_string(),
                       "Add a server block for it, or for the root (. { forward ... })."});
    } else {
        out.push_back({"refused", Weight::Error,
                       "The upstream, or the server as it is overloaded, refuses the question.",
                       "Ask again, and ask the upstream itself with dig."});
    }
}

/// A name that went, or had to go, to an upstream.
void add_upstream(const NameEvidence& evidence, std::vector<Finding>& out) {
    if (evidence.last_block == nullptr) {
        return;
    }
    const std::string name = evidence.last.to_string();
    const ForwardConfig* const line = forward_of(*evidence.last_block, evidence.last);
    const bool ours = evidence.plugin == "kubernetes" || evidence.plugin == "hosts" ||
                      evidence.plugin == "template";
    if (line == nullptr && is(evidence, zones::Rcode::ServFail) && !evidence.last_in_cluster) {
        out.push_back({"no-forward", Weight::Error,
                       name + " is no name of the cluster, and the server block has no forward for "
                              "it.",
                       "Add a forward line to the server block, for instance forward . "
                       "/etc/resolv.conf"});
    }
    if (line == nullptr || ours) {
        return;
    }
    const std::string who = "forward " + forward_text(*line);
    if (is(evidence, zones::Rcode::ServFail) || !evidence.replied) {
        const std::string says = printable(evidence.reply.extended_text);
        const auto& first = line->options.upstreams.front();
        out.push_back({"upstream-failed", Weight::Error,
                       "The upstreams did not answer for " + name + ": " + who +
                           (says.empty() ? "." : " (" + says + ")."),
                       "Ask an upstream itself from where the server runs: dig @" + first.address +
                           " -p " + std::to_string(first.port) + ' ' + name});
    } else if (is(evidence, zones::Rcode::NxDomain)) {
        out.push_back({"upstream-nxdomain", Weight::Error,
                       "The upstreams say that " + name + " does not exist: " + who + '.',
                       "Correct the name, or ask those who have its zone."});
    }
}

}  // namespace

void add_server_findings(const NameEvidence& evidence, std::vector<Finding>& out) {
    add_state(evidence, out);
    if (evidence.answered) {
        return;
    }
    if (!evidence.replied && evidence.plugin.empty() && evidence.block != nullptr &&
        !evidence.block->acl.empty()) {
        out.push_back({"acl", Weight::Error,
                       "No reply comes: an access list (acl drop) of the server block drops the "
                       "question.",
                       "Change the acl lines of the Corefile."});
    } else if (is(evidence, zones::Rcode::Refused)) {
        add_refusal(evidence, out);
    } else {
        add_upstream(evidence, out);
    }
}

}  // namespace server

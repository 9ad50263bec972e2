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

/// What others than an upstream have answered.
bool is_ours(const NameEvidence& evidence) {
    return evidence.plugin == "kubernetes" || evidence.plugin == "hosts" ||
           evidence.plugin == "template";
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

/// Who has replied, with a capital letter; or all, where that is not known.
std::string who_says(const NameEvidence& evidence, const std::string& one, const std::string& all) {
    return evidence.upstream.empty() ? "The upstreams " + all
                                     : "The upstream " + evidence.upstream + ' ' + one;
}

/// The words of the Extended DNS Error that say more than who failed.
std::string failure_text(const NameEvidence& evidence) {
    const std::string text = printable(evidence.reply.extended_text);
    const std::size_t quote = text.find('"');
    return evidence.upstream.empty() ? text
           : quote == text.npos      ? ""
                                     : "it says " + text.substr(quote);
}

/// Who has replied, else the first.
const resolver::Upstream& who_replied(const NameEvidence& evidence, const ForwardConfig& line) {
    const auto& upstreams = line.options.upstreams;
    const auto replied = std::ranges::find(upstreams, evidence.upstream, upstream_text);
    return replied == upstreams.end() ? upstreams.front() : *replied;
}

/// `dig @192.0.2.53 -p 53 www.example.org.`
std::string dig_text(const resolver::Upstream& upstream, const std::string& question) {
    return "dig @" + upstream.address + " -p " + std::to_string(upstream.port) + ' ' + question;
}

void add_refusal(const NameEvidence& evidence, std::vector<Finding>& out) {
    const ForwardConfig* const line =
        evidence.last_block == nullptr ? nullptr : forward_of(*evidence.last_block, evidence.last);
    if (evidence.plugin == "acl") {
        out.push_back(
            {"acl", Weight::Error,
             "An access list (acl) of the server block refuses this client or name.",
             "Change the acl lines of the Corefile; with -from the address of a pod, this "
             "shows what that pod is told."});
    } else if (evidence.last_block == nullptr) {
        out.push_back({"no-server-block", Weight::Error,
                       "No server block of the Corefile serves " + evidence.last.to_string(),
                       "Add a server block for it, or for the root (. { forward ... })."});
    } else if (!evidence.upstream.empty() && line != nullptr) {
        out.push_back({"refused", Weight::Error,
                       "The upstream " + evidence.upstream + " refuses the question for " +
                           evidence.last.to_string() + ": forward " + forward_text(*line) + '.',
                       "Ask it yourself from where the server runs, and those who run it: " +
                           dig_text(who_replied(evidence, *line), evidence.last.to_string())});
    } else {
        out.push_back({"refused", Weight::Error,
                       "The server refuses the question: it is overloaded, or too many queries "
                       "wait for upstreams.",
                       "Ask again, and look at keryx_shed_forwards_total and "
                       "coredns_forward_max_concurrent_rejects_total."});
    }
}

/// Whether or not it is asked here: an explanation asks without knowing what the workers know.
void add_held_down(const NameEvidence& evidence, const ForwardConfig& line,
                   std::vector<Finding>& out) {
    for (const resolver::Upstream& upstream : line.options.upstreams) {
        const std::string to = upstream_text(upstream);
        const auto held = std::ranges::find(evidence.held_down, to, &HeldDown::to);
        if (held == evidence.held_down.end()) {
            continue;
        }
        out.push_back(
            {"upstream-down", Weight::Warning,
             "The server holds the upstream " + to + " to be down since " + held->since +
                 ": its health checks fail, and queries go to it only if all are down" +
                 (to == evidence.upstream ? "; it has replied to this explanation." : "."),
             "See whether it runs and can be reached from where the server runs: " +
                 dig_text(upstream, ". NS")});
    }
}

/// A name that went, or had to go, to an upstream.
void add_upstream_findings(const NameEvidence& evidence, std::vector<Finding>& out) {
    if (evidence.last_block == nullptr) {
        return;
    }
    const std::string name = evidence.last.to_string();
    const ForwardConfig* const line = forward_of(*evidence.last_block, evidence.last);
    if (line == nullptr && is(evidence, zones::Rcode::ServFail) && !evidence.last_in_cluster) {
        out.push_back({"no-forward", Weight::Error,
                       name + " is no name of the cluster, and the server block has no forward for "
                              "it.",
                       "Add a forward line to the server block, for instance forward . "
                       "/etc/resolv.conf"});
    }
    if (line == nullptr || is_ours(evidence)) {
        return;
    }
    const std::string who = "forward " + forward_text(*line);
    if (is(evidence, zones::Rcode::ServFail) || !evidence.replied) {
        const std::string says = failure_text(evidence);
        out.push_back({"upstream-failed", Weight::Error,
                       who_says(evidence, "answered SERVFAIL", "did not answer") + " for " + name +
                           ": " + who + (says.empty() ? "." : " (" + says + ")."),
                       "Ask an upstream itself from where the server runs: " +
                           dig_text(who_replied(evidence, *line), name)});
    } else if (is(evidence, zones::Rcode::NxDomain)) {
        out.push_back({"upstream-nxdomain", Weight::Error,
                       who_says(evidence, "says", "say") + " that " + name + " does not exist: " +
                           who + (evidence.plugin == "cache" ? ", from the cache." : "."),
                       "Correct the name, or ask those who have its zone."});
    }
}

}  // namespace

void add_server_findings(const NameEvidence& evidence, std::vector<Finding>& out) {
    add_state(evidence, out);
    const ForwardConfig* const line =
        evidence.last_block == nullptr ? nullptr : forward_of(*evidence.last_block, evidence.last);
    if (line != nullptr && !is_ours(evidence)) {
        add_held_down(evidence, *line, out);
    }
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
        add_upstream_findings(evidence, out);
    }
}

}  // namespace server

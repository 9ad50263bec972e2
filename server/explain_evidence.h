// What the findings of an explanation are drawn from.
// Values that borrow from the snapshot and the configuration; one thread, for one explanation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "k8s_client/detail_source.h"
#include "server/cluster_name.h"
#include "server/config.h"
#include "server/explain_question.h"
#include "server/held_down.h"
#include "zones/reply_text.h"

namespace server {

/// A Service that the name leads to, or would lead to.
struct ServiceEvidence {
    const KubernetesConfig* cluster = nullptr;  // never null
    std::string ns, name;
    const zones::ServiceRecords* records = nullptr;  // null: the server does not have it
    k8s_client::ServiceView view;

    std::string title() const { return "Service " + ns + "/" + name; }
};

/// The name that is explained, its reply, and what it is in the cluster.
struct NameEvidence {
    ExplainQuestion question;
    std::string pod_ns;  // of the pod that asks
    zones::Name qname;
    zones::ReplyText reply;
    bool replied = false;  // false: no reply came at all
    bool answered = false;
    std::string plugin;
    std::string upstream;                // that gave the reply just now; empty: none did
    std::vector<HeldDown> held_down;     // of all upstreams
    const ServerBlock* block = nullptr;  // null: no server block has it
    zones::Name last;                    // where the CNAMEs of the reply lead; else qname
    const ServerBlock* last_block = nullptr;
    bool last_in_cluster = false;
    /// That qname is in, else of the pod's search list; null: there is none.
    const KubernetesConfig* cluster = nullptr;
    std::shared_ptr<const zones::Snapshot> snapshot;  // of that
    std::optional<ClusterName> in_cluster;            // qname, if it is in a zone of that
    const zones::ServiceRecords* records = nullptr;   // of the Service that it names
};

}  // namespace server

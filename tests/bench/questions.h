// The kinds of questions whose cost is watched, as queries to a KubeadmServer.
// Values; no state.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/kubeadm_server.h"
#include "zones/message.h"

namespace bench {

/// Queries of one kind: kSamples of them, each with a name of its own.
struct Kind {
    std::string name;
    std::vector<Octets> queries;
    zones::Rcode rcode = zones::Rcode::NoError;
    unsigned answers = 0;  // records in the answer section of each reply
    bool logged = false;   // asked of the server with `log`
};

std::vector<Kind> kinds_of_question();

/// Throws std::runtime_error if the server does not reply to each as the kind says.
void check_replies(KubeadmServer& server, const Kind& kind);

}  // namespace bench

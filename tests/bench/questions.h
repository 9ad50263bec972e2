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
    unsigned answers = 0;   // records in the answer section of each reply
    bool logged = false;    // asked of the server with `log`
    bool together = false;  // as a batch over UDP is
    bool counted = false;   // of the server with `status`, which counts who asks what
};

std::vector<Kind> kinds_of_question();

/// Throws std::runtime_error if the server does not reply to each as the kind says.
void check_replies(KubeadmServer& server, const Kind& kind);

/// Asks for all once, as a batch: what happens only the first time has happened then.
void prime(KubeadmServer& server, const Kind& kind);

}  // namespace bench

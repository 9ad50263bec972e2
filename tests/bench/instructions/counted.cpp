#include "tests/bench/instructions/counted.h"

namespace bench {

void answer_batch(KubeadmServer& server, std::span<const Octets> queries, bool logged,
                  bool together) {
    server.begin_batch();
    if (together) {
        server.answer_together(queries);
    }
    for (std::size_t i = 0; i < queries.size() && !together; ++i) {
        server.answer(queries[i], i);
    }
    if (!logged) {
        server.end_batch();
    }
}

void end_of_kind() {
    asm volatile("");  // Nothing, which a call is still made for.
}

}  // namespace bench

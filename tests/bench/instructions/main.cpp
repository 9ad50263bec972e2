// Answers questions of every kind, some thousand each, for callgrind to count (count.py).
// Prints a line for each kind: how many queries were counted, and its name.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>

#include "tests/bench/instructions/counted.h"
#include "tests/bench/questions.h"

namespace {

constexpr unsigned kRounds = 8;

unsigned ask(bench::KubeadmServer& server, const bench::Kind& kind) {
    unsigned asked = 0;
    const std::span<const bench::Octets> queries = kind.queries;
    for (std::size_t at = 0; at < queries.size(); at += bench::KubeadmServer::kBatch) {
        const auto batch =
            queries.subspan(at, std::min(bench::KubeadmServer::kBatch, queries.size() - at));
        bench::answer_batch(server, batch, kind.logged, kind.together);
        if (kind.logged) {
            server.end_batch();
        }
        asked += static_cast<unsigned>(batch.size());
    }
    return asked;
}

void run() {
    bench::KubeadmServer server;
    const auto logging = bench::KubeadmServer::with("log", server);
    for (const bench::Kind& kind : bench::kinds_of_question()) {
        const auto counting = kind.counted ? bench::KubeadmServer::with("status", server) : nullptr;
        bench::KubeadmServer& asked = kind.logged ? *logging : kind.counted ? *counting : server;
        check_replies(kind.counted ? server : asked, kind);
        prime(asked, kind);
        unsigned count = 0;
        for (unsigned round = 0; round < kRounds; ++round) {
            count += ask(asked, kind);
        }
        bench::end_of_kind();
        std::printf("%u %s\n", count, kind.name.c_str());
    }
}

int run_or_say_why() {
    try {
        run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "instructions: %s\n", error.what());
        return 1;
    }
    return 0;
}

}  // namespace

/// In a thread, as workers are. Its stack begins at a page; where main's does depends on arguments,
/// environment and path, and with that what copying to it costs.
int main() {
    int status = 0;
    std::thread([&status] { status = run_or_say_why(); }).join();
    return status;
}

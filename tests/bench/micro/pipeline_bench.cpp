#include <benchmark/benchmark.h>

#include "tests/bench/micro/samples.h"

namespace {

bench::KubeadmServer& server(bool logs) {
    static bench::KubeadmServer plain;
    static const auto logging = bench::KubeadmServer::with("log", plain);
    return logs ? *logging : plain;
}

/// Pipeline::handle() with all that a batch costs beside it; time is per query.
void handle(benchmark::State& state, const bench::Kind& kind) {
    bench::KubeadmServer& asked = server(kind.logged);
    check_replies(asked, kind);
    bench::Round queries(kind.queries);
    while (state.KeepRunningBatch(bench::KubeadmServer::kBatch)) {
        asked.begin_batch();
        for (std::size_t i = 0; i < bench::KubeadmServer::kBatch; ++i) {
            benchmark::DoNotOptimize(asked.answer(queries.next(), i));
        }
        asked.end_batch();
    }
}

[[maybe_unused]] const bool registered = [] {
    for (const bench::Kind& kind : bench::kinds_of_question()) {
        benchmark::RegisterBenchmark(("handle/" + kind.name).c_str(), handle, kind);
    }
    return true;
}();

}  // namespace

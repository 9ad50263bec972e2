#include <benchmark/benchmark.h>

#include "tests/bench/micro/samples.h"

namespace {

/// One EndpointSlice of 10,000 has changed; the new snapshot replaces the one before.
void apply_slice(benchmark::State& state, unsigned (*service)(unsigned)) {
    std::vector<std::vector<k8s_client::Change>> batches;
    for (unsigned i = 0; i < 4 * bench::kSamples; ++i) {
        batches.push_back({bench::moved_endpoint(service(i % bench::kSamples), i)});
    }
    bench::Round round(std::move(batches));
    zones::ClusterStore& store = bench::large_store();
    std::uint32_t now = 1'800'000'001;
    for (auto _ : state) {
        store.apply(round.next(), ++now);
    }
}
BENCHMARK_CAPTURE(apply_slice, cluster_ip, bench::with_cluster_ip);
BENCHMARK_CAPTURE(apply_slice, headless_of_20, bench::headless);

}  // namespace

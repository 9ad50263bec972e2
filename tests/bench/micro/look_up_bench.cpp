#include <benchmark/benchmark.h>

#include "tests/bench/micro/samples.h"
#include "zones/locate.h"

namespace {

using zones::LoweredName;

std::vector<LoweredName> names(std::string (*name_of)(unsigned)) {
    std::vector<LoweredName> made(bench::kSamples);
    for (unsigned k = 0; k < bench::kSamples; ++k) {
        made[k].assign(zones::Name::parse(name_of(bench::with_cluster_ip(k))).value().wire());
    }
    return made;
}

/// One look-up by hash: of the labels <service>.<namespace>.
void find_service(benchmark::State& state, bool there) {
    std::vector<std::string> labels;
    for (const LoweredName& name : names(bench::service_name)) {
        labels.emplace_back(name.wire().substr(0, name.label_at[2]));
        labels.back()[1] = there ? 's' : 't';
    }
    bench::Round round(std::move(labels));
    const auto snapshot = bench::large_store().snapshot();
    for (auto _ : state) {
        benchmark::DoNotOptimize(snapshot->find_service(round.next()));
    }
}
BENCHMARK_CAPTURE(find_service, hit, true);
BENCHMARK_CAPTURE(find_service, miss, false);

void locate(benchmark::State& state, std::string (*name_of)(unsigned)) {
    const zones::ClusterOptions options = bench::cluster_options();
    const auto snapshot = bench::large_store().snapshot();
    bench::Round round(names(name_of));
    for (auto _ : state) {
        benchmark::DoNotOptimize(zones::locate(round.next(), 2, options, *snapshot));
    }
}
BENCHMARK_CAPTURE(locate, service, bench::service_name);
BENCHMARK_CAPTURE(locate, pod, bench::pod_name);

void locate_reverse(benchmark::State& state) {
    const auto snapshot = bench::large_store().snapshot();
    bench::Round round(names(bench::reverse_name));
    for (auto _ : state) {
        benchmark::DoNotOptimize(zones::locate_reverse(round.next(), 2, *snapshot));
    }
}
BENCHMARK(locate_reverse);

}  // namespace

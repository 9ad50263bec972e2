#include <benchmark/benchmark.h>

#include "tests/bench/micro/samples.h"
#include "zones/query.h"

namespace {

void parse_query(benchmark::State& state, const char* kind) {
    bench::Round queries(bench::queries_of(kind));
    zones::Query query;
    for (auto _ : state) {
        benchmark::DoNotOptimize(zones::parse_query(queries.next(), query));
    }
}
BENCHMARK_CAPTURE(parse_query, plain, "ClusterIP A");
BENCHMARK_CAPTURE(parse_query, edns, "ClusterIP A, EDNS");
BENCHMARK_CAPTURE(parse_query, long_name, "NXDOMAIN");
BENCHMARK_CAPTURE(parse_query, malformed, "malformed");

}  // namespace

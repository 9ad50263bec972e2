// Micro-benchmarks of what a query and a watch event go through; micro.sh builds and runs them.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();

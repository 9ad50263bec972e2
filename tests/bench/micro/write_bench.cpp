#include <array>
#include <benchmark/benchmark.h>

#include "tests/bench/micro/samples.h"
#include "zones/cluster_zone.h"

namespace {

/// A reply with so many addresses, from the header to the counts.
void write_addresses(benchmark::State& state) {
    const std::vector<bench::Octets> queries = bench::queries_of("ClusterIP A, EDNS");
    zones::Query query;
    zones::parse_query(queries.front(), query);
    std::array<std::uint8_t, zones::kUdpSize> buffer;
    for (auto _ : state) {
        zones::MessageWriter writer(buffer);
        writer.begin(query, zones::udp_limit(query));
        const zones::JoinedName owner{{}, writer.question_name()};
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            writer.add_address(owner, zones::Section::Answer, 30,
                               zones::Ipv4{{10, 96, 0, static_cast<std::uint8_t>(i)}});
        }
        benchmark::DoNotOptimize(writer.finish(zones::Rcode::NoError, zones::header::kAa, 0));
    }
}
BENCHMARK(write_addresses)->Arg(1)->Arg(20);

/// From the parsed query to the reply, without server blocks and counters.
void answer(benchmark::State& state, const char* kind) {
    const zones::ClusterZone zone(bench::cluster_options(), {});
    const auto snapshot = bench::large_store().snapshot();
    const std::vector<bench::Octets> messages = bench::queries_of(kind);
    std::vector<zones::Query> parsed(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
        zones::parse_query(messages[i], parsed[i]);
    }
    bench::Round queries(std::move(parsed));
    std::array<std::uint8_t, zones::kUdpSize> buffer;
    std::uint32_t random = 0;
    for (auto _ : state) {
        const zones::Query& query = queries.next();
        zones::MessageWriter writer(buffer);
        writer.begin(query, zones::udp_limit(query));
        zones::Chain chain;
        const auto result =
            zone.answer({writer.question_name(), &query.name},
                        {.qtype = query.qtype, .rotate = true, .random = random += 0x9e3779b9U},
                        chain, *snapshot, writer);
        benchmark::DoNotOptimize(writer.finish(result.rcode, zones::header::kAa, 0));
    }
}
BENCHMARK_CAPTURE(answer, cluster_ip, "ClusterIP A");
BENCHMARK_CAPTURE(answer, nodata, "AAAA NODATA");
BENCHMARK_CAPTURE(answer, name_error, "NXDOMAIN");
BENCHMARK_CAPTURE(answer, srv, "SRV");
BENCHMARK_CAPTURE(answer, headless, "headless of 20");

}  // namespace

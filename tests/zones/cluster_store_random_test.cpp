#include <doctest/doctest.h>

#include "tests/zones/random_cluster.h"

using namespace zones;
using namespace support;

namespace {

void check_grown_against_fresh(const ClusterOptions& options, unsigned seed) {
    CAPTURE(seed);
    Events events(seed);
    TestCluster grown(options);
    for (int round = 1; round <= 40; ++round) {
        grown.apply(events.batch());
        if (round % 8 == 0) {
            TestCluster fresh(options);
            fresh.apply(events.state());
            check_same(grown, fresh);
        }
    }
}

ClusterOptions options_of(PodMode pods, bool ignore_empty, bool no_endpoints, Strings namespaces) {
    auto options = usual_options();
    options.pods = pods;
    options.ignore_empty_service = ignore_empty;
    options.no_endpoints = no_endpoints;
    options.namespaces = std::move(namespaces);
    return options;
}

}  // namespace

TEST_CASE("after any events a store answers like one made from what is there") {
    for (unsigned seed = 0; seed < 12; ++seed) {
        check_grown_against_fresh(options_of(PodMode::Verified, false, false, {}), seed);
    }
}

TEST_CASE("the same with options that hide things") {
    for (unsigned seed = 100; seed < 104; ++seed) {
        check_grown_against_fresh(options_of(PodMode::Verified, true, false, {}), seed);
        check_grown_against_fresh(options_of(PodMode::Insecure, false, true, {}), seed);
        check_grown_against_fresh(options_of(PodMode::Disabled, false, false, {"prod"}), seed);
    }
}

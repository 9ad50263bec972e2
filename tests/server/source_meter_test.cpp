// What is counted of an API server, and of how long its changes take to be answered.
#include "server/source_meter.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/server/blocks.h"
#include "tests/server/objects.h"

using namespace server;
using namespace server::testing;
using namespace std::chrono_literals;

namespace {

struct MeterRig {
    /// The count of observations, and their sum in seconds.
    std::pair<std::uint64_t, double> programming(const std::string& kind) const {
        for (const Sample& sample : metrics.samples()) {
            if (sample.name == &metric::kProgramming && sample.labels[0].second == kind) {
                std::uint64_t count = 0;
                for (const auto bucket : sample.buckets) {
                    count += bucket;
                }
                return {count, sample.value};
            }
        }
        return {};
    }

    static Change slice(const std::string& service, std::chrono::seconds ago) {
        Change change = endpoints("prod", service, {"10.244.0.1"});
        std::get<k8s_client::EndpointSlice>(change.object).triggered.at =
            std::chrono::system_clock::now() - ago;
        return change;
    }

    RareMetrics metrics;
    Cluster cluster{kubernetes({"cluster.local"}).options, {}, {}};
    SourceMeter meter{metrics, "192.0.2.1:443", cluster};
};

}  // namespace

TEST_CASE("changes of endpoints are observed by the kind of their Service, once answered") {
    MeterRig rig;
    rig.meter.apply(std::vector{cluster_ip("prod", "web", "10.96.0.1"), headless("prod", "db")});
    rig.meter.apply(std::vector{MeterRig::slice("web", 3s), MeterRig::slice("db", 7s)});
    CHECK(rig.cluster.published().value()->find_service("\3web\4prod") != nullptr);
    CHECK(rig.programming("cluster_ip").first == 1);
    CHECK(rig.programming("cluster_ip").second == doctest::Approx(3).epsilon(0.2));
    CHECK(rig.programming("headless_with_selector").second == doctest::Approx(7).epsilon(0.2));
}

TEST_CASE("not without a time, a Service, or of a slice that goes") {
    MeterRig rig;
    rig.meter.apply(std::vector{MeterRig::slice("unknown", 1s)});
    rig.meter.apply(std::vector{cluster_ip("prod", "web", "10.96.0.1"),
                                endpoints("prod", "web", {"10.244.0.1"})});
    Change gone = MeterRig::slice("web", 1s);
    gone.type = Change::Type::Deleted;
    rig.meter.apply(std::vector{gone});
    CHECK(rig.programming("cluster_ip").first == 0);
    // A clock that is behind the cluster's: no time has passed.
    rig.meter.apply(std::vector{MeterRig::slice("web", -5s)});
    CHECK(rig.programming("cluster_ip") == std::pair<std::uint64_t, double>{1, 0.0});
}

TEST_CASE("requests by status, those without an answer under an error") {
    MeterRig rig;
    rig.meter.answered(200);
    rig.meter.answered(0);
    rig.meter.took(20ms);
    rig.meter.held_back(0ms);
    rig.meter.listed("services");
    rig.meter.repaired(2);
    std::vector<std::string> seen;
    for (const Sample& sample : rig.metrics.samples()) {
        if (sample.name == &metric::kApiRequests) {
            seen.push_back(sample.labels[0].second);
        }
        if (sample.name == &metric::kApiRepaired) {
            CHECK(sample.value == 2);
        }
        if (sample.name == &metric::kApiDuration) {
            CHECK(sample.value == doctest::Approx(0.02));
        }
    }
    std::ranges::sort(seen);
    CHECK(seen == std::vector<std::string>{"200", "<error>"});
}

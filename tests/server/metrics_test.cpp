// What is counted by cells and under a lock, and how a scrape shows it.
#include "server/metrics.h"

#include <thread>

#include <doctest/doctest.h>

using namespace server;

namespace {

bool has_line(const Metrics& metrics, const std::string& line) {
    return ("\n" + metrics.text()).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("durations fall into CoreDNS's buckets, bounds included") {
    CHECK(TimeScale::bound(0) == doctest::Approx(0.00025));
    CHECK(TimeScale::bound(15) == doctest::Approx(8.192));
    CHECK(TimeScale::bucket(0) == 0);
    CHECK(TimeScale::bucket(1) == 0);
    for (std::size_t i = 0; i < TimeScale::kBounds; ++i) {
        const std::uint64_t bound = TimeScale::kFirst << i;
        CHECK(TimeScale::bucket(bound) == i);
        CHECK(TimeScale::bucket(bound + 1) == i + 1);
    }
    CHECK(TimeScale::bucket(~std::uint64_t{0}) == TimeScale::kBounds);
}

TEST_CASE("sizes fall into CoreDNS's buckets, bounds included") {
    CHECK(SizeScale::bucket(0) == 0);
    for (std::size_t i = 0; i < SizeScale::kBounds; ++i) {
        CHECK(SizeScale::bucket(SizeScale::kUpTo[i]) == i);
        CHECK(SizeScale::bucket(SizeScale::kUpTo[i] + 1) == i + 1);
    }
}

TEST_CASE("types, classes and rcodes have bounded places") {
    CHECK(type_at(type_place(1)) == "A");
    CHECK(type_at(type_place(65)) == "HTTPS");
    CHECK(type_at(type_place(255)) == "ANY");
    CHECK(type_at(type_place(35)) == "other");
    CHECK(type_at(type_place(65280)) == "other");
    CHECK(class_at(class_place(3)) == "CH");
    CHECK(class_at(class_place(7)) == "other");
    CHECK(rcode_at(rcode_place(3)) == "NXDOMAIN");
    CHECK(rcode_place(4095) == kRcodePlaces - 1);
    CHECK(name_of(Author::Server).empty());
    CHECK(name_of(Author::Whoami) == "whoami");
}

TEST_CASE("what workers count is added up, and the series is the same one each time") {
    Metrics metrics(3);
    ZoneSeries& zone = metrics.zone("dns://:53", "example.org.");
    CHECK(&zone == &metrics.zone("dns://:53", "example.org."));
    CHECK(&zone != &metrics.zone("dns://:54", "example.org."));
    for (std::size_t worker = 0; worker < 3; ++worker) {
        zone.cells[worker].requests[0][1][type_place(28)].add(worker + 1);
        zone.cells[worker].duration.observe(300'000);
    }
    CHECK(has_line(metrics,
                   "coredns_dns_requests_total{server=\"dns://:53\",zone=\"example.org.\","
                   "view=\"\",proto=\"udp\",family=\"2\",type=\"AAAA\"} 6"));
    const std::string of = "{server=\"dns://:53\",zone=\"example.org.\",view=\"\"";
    const std::string duration = "coredns_dns_request_duration_seconds";
    CHECK(has_line(metrics, duration + "_bucket" + of + ",le=\"0.00025\"} 0"));
    CHECK(has_line(metrics, duration + "_bucket" + of + ",le=\"0.0005\"} 3"));
    CHECK(has_line(metrics, duration + "_bucket" + of + ",le=\"+Inf\"} 3"));
    CHECK(has_line(metrics, duration + "_count" + of + "} 3"));
    CHECK(metrics.text().find("proto=\"tcp\"") == std::string::npos);  // nothing came over TCP
}

TEST_CASE("what is allowed has no zone: it is one series for a server") {
    Metrics metrics(1);
    metrics.zone("dns://:53", "a.").cells[0].acl_allowed.add(2);
    metrics.zone("dns://:53", "b.").cells[0].acl_allowed.add(3);
    CHECK(
        has_line(metrics, "coredns_acl_allowed_requests_total{server=\"dns://:53\",view=\"\"} 5"));
}

TEST_CASE("rare things are counted under their labels; gauges are replaced together") {
    Metrics metrics(1);
    RareMetrics& rare = metrics.rare();
    rare.add(metric::kApiRequests, {{"code", "200"}, {"method", "GET"}, {"host", "a:1"}});
    rare.add(metric::kApiRequests, {{"code", "200"}, {"method", "GET"}, {"host", "a:1"}}, 4);
    CHECK(has_line(metrics,
                   "coredns_kubernetes_rest_client_requests_total{code=\"200\","
                   "method=\"GET\",host=\"a:1\"} 5"));
    rare.observe(metric::kHealthDuration, {}, 0.0025);
    rare.observe(metric::kHealthDuration, {}, 100);
    CHECK(has_line(metrics, "coredns_health_request_duration_seconds_bucket{le=\"0.00025\"} 0"));
    CHECK(has_line(metrics, "coredns_health_request_duration_seconds_bucket{le=\"0.0025\"} 1"));
    CHECK(has_line(metrics, "coredns_health_request_duration_seconds_bucket{le=\"+Inf\"} 2"));
    rare.replace(metric::kReloadVersion, {{{"hash", "sha512"}, {"value", "aa"}}});
    rare.replace(metric::kReloadVersion, {{{"hash", "sha512"}, {"value", "bb"}}});
    CHECK(has_line(metrics, "coredns_reload_version_info{hash=\"sha512\",value=\"bb\"} 1"));
    CHECK(metrics.text().find("\"aa\"") == std::string::npos);
}

TEST_CASE("a part shows its numbers as long as it is there, the newer one in its place") {
    Metrics metrics(1);
    const auto shows = [](double value) {
        return [value](auto& samples) {
            samples.push_back({&metric::kHostsEntries, {{"hostsfile", "h"}}, value});
        };
    };
    auto older = metrics.show(shows(1));
    CHECK(has_line(metrics, "coredns_hosts_entries{hostsfile=\"h\"} 1"));
    const auto newer = metrics.show(shows(2));
    CHECK(has_line(metrics, "coredns_hosts_entries{hostsfile=\"h\"} 2"));
    CHECK_FALSE(has_line(metrics, "coredns_hosts_entries{hostsfile=\"h\"} 1"));
    older = {};
    CHECK(has_line(metrics, "coredns_hosts_entries{hostsfile=\"h\"} 2"));
}

TEST_CASE("labels are escaped") {
    Metrics metrics(1);
    metrics.rare().add(metric::kTemplateRrFailures, {{"template", "a \"b\"\\\n"}});
    CHECK(has_line(metrics, R"(coredns_template_rr_failures_total{template="a \"b\"\\\n"} 1)"));
}

TEST_CASE("the process says what it uses") {
    Metrics metrics(1);
    const std::string text = metrics.text();
    for (const char* name :
         {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
          "process_virtual_memory_bytes", "process_max_fds", "process_start_time_seconds"}) {
        const auto at = text.find(std::string("\n") + name + " ");
        REQUIRE(at != std::string::npos);
        CHECK(std::strtod(text.c_str() + at + 2 + std::string(name).size(), nullptr) > 0);
    }
}

TEST_CASE("a scrape while workers count loses nothing") {
    Metrics metrics(2);
    ZoneSeries& zone = metrics.zone("dns://:53", ".");
    constexpr std::uint64_t kCounted = 200'000;
    std::vector<std::thread> workers;
    for (std::size_t worker = 0; worker < 2; ++worker) {
        workers.emplace_back([&zone, worker] {
            for (std::uint64_t i = 0; i < kCounted; ++i) {
                zone.cells[worker].dnssec_requests.add();
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        CHECK_FALSE(metrics.text().empty());
    }
    for (auto& worker : workers) {
        worker.join();
    }
    CHECK(has_line(metrics,
                   "coredns_dns_do_requests_total{server=\"dns://:53\",zone=\".\","
                   "view=\"\"} 400000"));
}

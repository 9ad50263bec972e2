// What is said, and for how long it may be kept, while the snapshot is of an earlier run.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;
using Outcome = ClusterZone::Outcome;

namespace {

TestCluster cluster_with_ttl(std::uint32_t ttl) {
    auto options = usual_options();
    options.ttl = ttl;
    options.pods = PodMode::Verified;
    options.fallthrough = {*Name::parse("in-addr.arpa")};
    TestCluster cluster(std::move(options));
    cluster.add(make_namespace("prod"), make_namespace("kube-system"),
                make_service("kube-system", "kube-dns", {"10.0.0.10"}),
                make_service("prod", "web", {"10.0.0.1", "fd00::1"}, {{"http", "TCP", 80}}),
                make_headless("prod", "db"), make_pod("prod", "pod", "10.1.0.7"),
                make_slice("prod", "db-1", "db", endpoints_at({"10.1.0.1", "10.1.0.2"}),
                           {{"sql", "TCP", 5432}}),
                make_external("prod", "alias", "web.prod.svc.cluster.local"),
                make_external("prod", "ext", "example.com"));
    return cluster;
}

std::shared_ptr<const Snapshot> stale(const TestCluster& cluster) {
    auto copy = std::make_shared<Snapshot>(*cluster.snapshot());
    copy->stale = true;
    return copy;
}

/// The TTLs of all records, and what a SOA says of denials (its last field).
std::vector<std::uint32_t> times_in(const Judged& message) {
    std::vector<std::uint32_t> times;
    for (const auto* section : {&message.answer, &message.authority, &message.additional}) {
        for (const std::string& record : *section) {
            const std::size_t at = record.find(' ');
            times.push_back(static_cast<std::uint32_t>(std::stoul(record.substr(at))));
            if (record.find(" SOA ") != record.npos) {
                const std::string minimum = record.substr(record.rfind(' '));
                times.push_back(static_cast<std::uint32_t>(std::stoul(minimum)));
            }
        }
    }
    return times;
}

struct Named {
    std::string qname, type;
};
const std::vector<Named> kQuestions = {
    {"web.prod.svc.cluster.local.", "A"},
    {"web.prod.svc.cluster.local.", "AAAA"},
    {"web.prod.svc.cluster.local.", "SRV"},
    {"web.prod.svc.cluster.local.", "MX"},
    {"db.prod.svc.cluster.local.", "A"},
    {"_sql._tcp.db.prod.svc.cluster.local.", "SRV"},
    {"10-1-0-1.db.prod.svc.cluster.local.", "A"},
    {"10-1-0-7.prod.pod.cluster.local.", "A"},
    {"10-1-0-7.prod.pod.cluster.local.", "SRV"},
    {"alias.prod.svc.cluster.local.", "A"},
    {"ext.prod.svc.cluster.local.", "CNAME"},
    {"nope.prod.svc.cluster.local.", "A"},
    {"cluster.local.", "SOA"},
    {"cluster.local.", "NS"},
    {"ns.dns.cluster.local.", "A"},
    {"dns-version.cluster.local.", "TXT"},
    {"1.0.0.10.in-addr.arpa.", "PTR"},
    {"1.0.1.10.in-addr.arpa.", "PTR"},
};

/// As the server asks, with an OPT record and the wish to know why, or without any.
Judged reply_to(const TestCluster& cluster, const Snapshot& snapshot, const std::string& qname,
                bool edns = true) {
    Ask question{.qname = qname, .why = edns};
    if (edns) {
        question.edns_size = 1232;
    }
    return ask(cluster.zone(), snapshot, question).message;
}

std::string stale_reason(const TestCluster& cluster, const Snapshot& snapshot,
                         const std::string& qname) {
    return reply_to(cluster, snapshot, qname).edns->extended_error;
}

}  // namespace

TEST_CASE("a stale record lives 5 seconds at most, whatever its kind") {
    const auto cluster = cluster_with_ttl(600);
    const auto snapshot = stale(cluster);
    for (const Named& asked : kQuestions) {
        CAPTURE(asked.qname);
        CAPTURE(asked.type);
        const Ask question{.qname = asked.qname, .qtype = type_number(asked.type)};
        const Judged live = cluster.ask(question).message;
        const Judged old = ask(cluster.zone(), *snapshot, question).message;
        CHECK(old.rcode_name() == live.rcode_name());
        const auto times = times_in(old);
        REQUIRE_FALSE(times.empty());
        CHECK(times == std::vector<std::uint32_t>(times.size(), 5));
        const auto live_times = times_in(live);
        CHECK(live_times.size() == times.size());
        CHECK(*std::min_element(live_times.begin(), live_times.end()) >= 300);
    }
}

TEST_CASE("a shorter ttl of the Corefile stays") {
    const auto cluster = cluster_with_ttl(2);
    const auto snapshot = stale(cluster);
    for (const Named& asked : kQuestions) {
        CAPTURE(asked.qname);
        const Ask question{.qname = asked.qname, .qtype = type_number(asked.type)};
        const auto times = times_in(ask(cluster.zone(), *snapshot, question).message);
        REQUIRE_FALSE(times.empty());
        CHECK(times == std::vector<std::uint32_t>(times.size(), 2));
    }
}

TEST_CASE("a stale answer says so to a client that sent EDNS, and only then") {
    const auto cluster = cluster_with_ttl(30);
    const auto snapshot = stale(cluster);
    const std::string text = " from the snapshot: the API server has not been listed yet";
    for (const std::string qname :
         {"web.prod.svc.cluster.local.", "prod.svc.cluster.local.", "alias.prod.svc.cluster.local.",
          "ext.prod.svc.cluster.local.", "cluster.local."}) {
        CAPTURE(qname);
        CHECK(stale_reason(cluster, *snapshot, qname) == "3" + text);
        CHECK(stale_reason(cluster, *cluster.snapshot(), qname).find(text) == std::string::npos);
        CHECK_FALSE(reply_to(cluster, *snapshot, qname, false).edns.has_value());
    }
    CHECK(stale_reason(cluster, *snapshot, "nope.prod.svc.cluster.local.") == "19" + text);
    CHECK(stale_reason(cluster, *cluster.snapshot(), "web.prod.svc.cluster.local.") == "");
}

TEST_CASE("what is not answered from a stale snapshot is not called stale") {
    const auto cluster = cluster_with_ttl(30);
    for (const std::string qname : {"example.com.", "9.9.9.9.in-addr.arpa."}) {
        CAPTURE(qname);
        CHECK(stale_reason(cluster, *stale(cluster), qname) == "");
    }
}

TEST_CASE("before the first sync: SERVFAIL with the SOA, and the reason to a client with EDNS") {
    TestCluster cluster(usual_options(), false);
    cluster.add(make_namespace("prod"));
    const Judged judged = reply_to(cluster, *cluster.snapshot(), "web.prod.svc.cluster.local.");
    CHECK(judged.rcode_name() == "SERVFAIL");
    CHECK(judged.has_flag("aa"));
    CHECK(judged.authority.size() == 1);
    CHECK(judged.answer.empty());
    CHECK(judged.edns->extended_error == "14 the API server has not been listed yet");
    const Judged known = reply_to(cluster, *cluster.snapshot(), "svc.cluster.local.");
    CHECK(known.rcode_name() == "NOERROR");
    CHECK(known.edns->option_octets == 0);
}

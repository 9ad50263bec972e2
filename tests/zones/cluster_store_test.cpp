#include "zones/cluster_store.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

using namespace zones;
using namespace support;

namespace {

const Texts kNxdomain = {"NXDOMAIN"};

Texts a_records(const std::string& owner, const Strings& addresses) {
    Texts texts;
    for (const auto& address : addresses) {
        const bool v6 = address.find(':') != std::string::npos;
        texts.push_back(owner + " 5 IN " + (v6 ? "AAAA " : "A ") + address);
    }
    return texts;
}

Texts ptr_records(const std::string& owner, const Strings& targets) {
    Texts texts;
    for (const auto& target : targets) {
        texts.push_back(owner + " 5 IN PTR " + target);
    }
    return texts;
}

ClusterOptions verified_options() {
    auto options = usual_options();
    options.pods = PodMode::Verified;
    return options;
}

}  // namespace

TEST_CASE("a Service is added, changed and deleted, with its reverse name") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.1"}));
    const std::string first = "1.0.0.10.in-addr.arpa.", second = "2.0.0.10.in-addr.arpa.";
    CHECK(cluster.answer(first, "PTR") == ptr_records(first, {kWeb}));
    cluster.add(make_service("prod", "web", {"10.0.0.2", "fd00::2"}));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.2"}));
    CHECK(cluster.answer(kWeb, "AAAA") == a_records(kWeb, {"fd00::2"}));
    CHECK(cluster.answer(first, "PTR") == kNxdomain);
    CHECK(cluster.answer(second, "PTR") == ptr_records(second, {kWeb}));
    cluster.remove(make_service("prod", "web", {}));
    CHECK(cluster.answer(kWeb, "A") == kNxdomain);
    CHECK(cluster.answer(second, "PTR") == kNxdomain);
    CHECK(cluster.snapshot()->addresses4.size() == 0);
    CHECK(cluster.snapshot()->addresses6.size() == 0);
}

TEST_CASE("a Service changes its kind") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}),
                make_slice("prod", "web-1", "web", endpoints_at({"10.1.0.1"})));
    cluster.add(make_headless("prod", "web"));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.1.0.1"}));
    CHECK(cluster.answer("1.0.0.10.in-addr.arpa.", "PTR") == kNxdomain);
    cluster.add(make_external("prod", "web", "db.prod.svc.cluster.local"));
    CHECK(cluster.answer(kWeb, "CNAME") == Texts{kWeb + " 5 IN CNAME " + kDb});
    CHECK(cluster.answer("1.0.1.10.in-addr.arpa.", "PTR") == kNxdomain);
    CHECK(cluster.snapshot()->addresses4.size() == 0);
    cluster.add(make_service("prod", "web", {"10.0.0.1"}));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.1"}));
    CHECK(cluster.answer("10-1-0-1." + kWeb, "A") == a_records("10-1-0-1." + kWeb, {"10.1.0.1"}));
}

TEST_CASE("slices are added, changed and deleted") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_headless("prod", "db"));
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
    cluster.add(make_slice("prod", "db-1", "db", endpoints_at({"10.1.0.1"})));
    cluster.add(make_slice("prod", "db-2", "db", endpoints_at({"10.1.0.2", "10.1.0.1"})));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.1", "10.1.0.2"}));
    cluster.add(make_slice("prod", "db-2", "db", endpoints_at({"10.1.0.3"})));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.1", "10.1.0.3"}));
    cluster.remove(make_slice("prod", "db-1", "", {}));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.3"}));
    cluster.remove(make_slice("prod", "db-2", "db", {}));
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
    CHECK(cluster.snapshot()->addresses4.size() == 0);
}

TEST_CASE("a slice joins by its label: relabelled, unlabelled, of another namespace") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_namespace("test"), make_headless("prod", "db"),
                make_headless("prod", "web"), make_headless("test", "db"));
    cluster.add(make_slice("prod", "s", "db", endpoints_at({"10.1.0.1"})));
    cluster.add(make_slice("test", "s", "db", endpoints_at({"10.2.0.1"})));
    cluster.add(make_slice("prod", "s", "web", endpoints_at({"10.1.0.1"})));
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.1.0.1"}));
    const std::string other = "db.test.svc.cluster.local.";
    CHECK(cluster.answer(other, "A") == a_records(other, {"10.2.0.1"}));
    const std::string reverse = "1.0.1.10.in-addr.arpa.";
    CHECK(cluster.answer(reverse, "PTR") == ptr_records(reverse, {"10-1-0-1." + kWeb}));
    cluster.add(make_slice("prod", "s", "", endpoints_at({"10.1.0.1"})));
    CHECK(cluster.answer(kWeb, "A") == kNxdomain);
    CHECK(cluster.answer(reverse, "PTR") == kNxdomain);
    cluster.remove(make_slice("prod", "s", "web", {}));
    CHECK(cluster.answer(other, "A") == a_records(other, {"10.2.0.1"}));
}

TEST_CASE("slices before their Service, and after it") {
    TestCluster cluster;
    cluster.add(make_slice("prod", "db-1", "db", endpoints_at({"10.1.0.1"})),
                make_namespace("prod"));
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
    CHECK(cluster.answer("1.0.1.10.in-addr.arpa.", "PTR") == kNxdomain);
    cluster.add(make_headless("prod", "db"));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.1"}));
    cluster.remove(make_headless("prod", "db"));
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
    cluster.add(make_headless("prod", "db"));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.1"}));
}

TEST_CASE("Endpoints count where no slice of the Service exists") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_headless("prod", "db"),
                make_endpoints("prod", "db", {{endpoints_at({"10.9.0.1"}), {}}}));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.9.0.1"}));
    cluster.add(make_slice("prod", "db-1", "db", {}));  // a slice, though empty
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
    cluster.add(make_slice("prod", "db-1", "db", endpoints_at({"10.1.0.1"})));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.1"}));
    cluster.add(make_endpoints("prod", "db", {{endpoints_at({"10.9.0.2"}), {}}}));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.1.0.1"}));
    cluster.remove(make_slice("prod", "db-1", "db", {}));
    CHECK(cluster.answer(kDb, "A") == a_records(kDb, {"10.9.0.2"}));
    cluster.remove(make_endpoints("prod", "db", {}));
    CHECK(cluster.answer(kDb, "A") == kNxdomain);
}

TEST_CASE("a namespace shows and hides its Services") {
    TestCluster cluster;
    cluster.add(make_service("prod", "web", {"10.0.0.1"}),
                make_service("xprod", "web", {"10.0.0.2"}));
    CHECK(cluster.answer(kWeb, "A") == kNxdomain);
    CHECK(cluster.answer("prod.svc.cluster.local.", "A") == kNxdomain);
    cluster.add(make_namespace("prod"));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.1"}));
    CHECK(cluster.answer("prod.svc.cluster.local.", "A").empty());
    CHECK(cluster.answer("web.xprod.svc.cluster.local.", "A") == kNxdomain);
    cluster.remove(make_namespace("prod"));
    CHECK(cluster.answer(kWeb, "A") == kNxdomain);
    CHECK(cluster.answer("prod.svc.cluster.local.", "A") == kNxdomain);
    CHECK(cluster.answer("10-0-0-1.prod.pod.cluster.local.", "A") == kNxdomain);
    cluster.add(make_namespace("prod"));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.1"}));
}

TEST_CASE("the namespaces option") {
    auto options = usual_options();
    options.namespaces = {"prod"};
    TestCluster cluster(options);
    cluster.add(make_namespace("prod"), make_namespace("test"),
                make_service("prod", "web", {"10.0.0.1"}),
                make_service("test", "web", {"10.0.0.2"}),
                make_slice("test", "s", "web", endpoints_at({"10.0.0.3"})));
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.1"}));
    CHECK(cluster.answer("web.test.svc.cluster.local.", "A") == kNxdomain);
    CHECK(cluster.answer("test.svc.cluster.local.", "A") == kNxdomain);
    CHECK(cluster.answer("2.0.0.10.in-addr.arpa.", "PTR") == kNxdomain);
    CHECK(cluster.answer("3.0.0.10.in-addr.arpa.", "PTR") == kNxdomain);
}

TEST_CASE("the options noendpoints and ignore empty_service") {
    auto without_endpoints = usual_options();
    without_endpoints.no_endpoints = true;
    auto ignoring = usual_options();
    ignoring.ignore_empty_service = true;
    for (const bool ignore : {false, true}) {
        TestCluster cluster(ignore ? ignoring : without_endpoints);
        cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}),
                    make_headless("prod", "db"), make_external("prod", "ext", "example.com"));
        CHECK(cluster.answer(kWeb, "A") == (ignore ? kNxdomain : a_records(kWeb, {"10.0.0.1"})));
        CHECK(cluster.answer("ext.prod.svc.cluster.local.", "CNAME").size() == 1);
        cluster.add(make_slice("prod", "w", "web", {make_endpoint("10.1.0.1", "", false)}));
        CHECK(cluster.answer(kWeb, "A") == (ignore ? kNxdomain : a_records(kWeb, {"10.0.0.1"})));
        cluster.add(make_slice("prod", "w", "web", endpoints_at({"10.1.0.1"})));
        cluster.add(make_slice("prod", "d", "db", endpoints_at({"10.1.0.2"})));
        CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.1"}));
        CHECK(cluster.answer(kDb, "A") == (ignore ? a_records(kDb, {"10.1.0.2"}) : kNxdomain));
    }
}

TEST_CASE("pods: added, moved, deleted; several may share an address") {
    TestCluster cluster(verified_options());
    const std::string one = "10-0-0-1.prod.pod.cluster.local.";
    const std::string two = "10-0-0-2.prod.pod.cluster.local.";
    cluster.add(make_namespace("prod"), make_namespace("test"), make_pod("prod", "a", "10.0.0.1"),
                make_pod("prod", "b", "10.0.0.1"), make_pod("test", "c", "10.0.0.2"));
    CHECK(cluster.answer(one, "A") == a_records(one, {"10.0.0.1"}));
    CHECK(cluster.answer(two, "A") == kNxdomain);
    cluster.remove(make_pod("prod", "a", ""));
    CHECK(cluster.answer(one, "A") == a_records(one, {"10.0.0.1"}));
    cluster.add(make_pod("prod", "b", "10.0.0.2"));
    CHECK(cluster.answer(one, "A") == kNxdomain);
    CHECK(cluster.answer(two, "A") == a_records(two, {"10.0.0.2"}));
    cluster.add(make_pod("prod", "b", ""));
    CHECK(cluster.answer(two, "A") == kNxdomain);
    cluster.add(make_pod("prod", "b", "fd00::1"));
    const std::string six = "fd00--1.prod.pod.cluster.local.";
    CHECK(cluster.answer(six, "AAAA") == a_records(six, {"fd00::1"}));
    cluster.remove(make_pod("prod", "b", ""), make_pod("test", "c", ""));
    CHECK(cluster.snapshot()->pods4.size() == 0);
    CHECK(cluster.snapshot()->pods6.size() == 0);
}

TEST_CASE("pods that change places within one batch") {
    TestCluster cluster(verified_options());
    cluster.add(make_namespace("prod"), make_pod("prod", "a", "10.0.0.1"));
    cluster.apply({deleted(make_pod("prod", "a", "")), applied(make_pod("prod", "b", "10.0.0.1"))});
    CHECK(cluster.answer("10-0-0-1.prod.pod.cluster.local.", "A").size() == 1);
    cluster.apply({applied(make_pod("prod", "c", "10.0.0.2")), deleted(make_pod("prod", "c", ""))});
    CHECK(cluster.answer("10-0-0-2.prod.pod.cluster.local.", "A") == kNxdomain);
    CHECK(cluster.snapshot()->pods4.size() == 1);
}

TEST_CASE("pods in another spelling of one address") {
    TestCluster cluster(verified_options());
    const std::string name = "fd00--1.prod.pod.cluster.local.";
    cluster.add(make_namespace("prod"), make_pod("prod", "a", "fd00::1"),
                make_pod("prod", "b", "fd00:0::1"));
    cluster.remove(make_pod("prod", "a", ""));
    CHECK(cluster.answer(name, "AAAA") == a_records(name, {"fd00::1"}));
}

TEST_CASE("one batch is one snapshot, and the old one stays as it was") {
    TestCluster cluster;
    cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}),
                make_headless("prod", "db"),
                make_slice("prod", "s", "db", endpoints_at({"10.1.0.1"})));
    const auto before = cluster.snapshot();
    cluster.apply({deleted(make_namespace("prod")), deleted(make_service("prod", "web", {})),
                   applied(make_namespace("test")),
                   applied(make_service("test", "web", {"10.0.0.1"})),
                   applied(make_slice("prod", "s", "db", endpoints_at({"10.1.0.2"})))});
    const auto old_answer = support::ask(cluster.zone(), *before, {.qname = kWeb});
    CHECK(old_answer.message.answer == a_records(kWeb, {"10.0.0.1"}));
    const auto old_db = support::ask(cluster.zone(), *before, {.qname = kDb});
    CHECK(old_db.message.answer == a_records(kDb, {"10.1.0.1"}));
    const std::string reverse = "1.0.0.10.in-addr.arpa.";
    const auto old_ptr =
        support::ask(cluster.zone(), *before, {.qname = reverse, .qtype = qtype::kPtr});
    CHECK(old_ptr.message.answer == ptr_records(reverse, {kWeb}));
    CHECK(cluster.answer(kWeb, "A") == kNxdomain);
    CHECK(cluster.answer(reverse, "PTR") == ptr_records(reverse, {"web.test.svc.cluster.local."}));
}

TEST_CASE("set_synced changes nothing else") {
    TestCluster cluster(usual_options(), false);
    cluster.add(make_namespace("prod"), make_service("prod", "web", {"10.0.0.1"}));
    const auto before = cluster.snapshot();
    cluster.store().set_synced();
    CHECK_FALSE(before->synced);
    CHECK(cluster.snapshot()->synced);
    CHECK(cluster.snapshot()->serial == before->serial);
    cluster.add(make_service("prod", "web", {"10.0.0.2"}));
    CHECK(cluster.snapshot()->synced);
    CHECK(cluster.answer(kWeb, "A") == a_records(kWeb, {"10.0.0.2"}));
}

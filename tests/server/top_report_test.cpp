// From replies to lists: what is counted as one, what a window keeps, and what the lists tell.
#include "server/top_report.h"

#include <arpa/inet.h>
#include <malloc.h>

#include <doctest/doctest.h>

#include "tests/server/blocks.h"
#include "tests/server/messages.h"
#include "tests/server/objects.h"
#include "tests/server/printed_log.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Client;
using server::TopCounts;
using server::TopTable;
using zones::Rcode;

namespace {

Client asking_client(const char* address) {
    Client made{};
    if (inet_pton(AF_INET, address, &made.peer.v4.sin_addr) == 1) {
        made.peer.v4.sin_family = AF_INET;
    } else {
        REQUIRE(inet_pton(AF_INET6, address, &made.peer.v6.sin6_addr) == 1);
        made.peer.v6.sin6_family = AF_INET6;
    }
    return made;
}

/// A server with `status`, a cluster, and two workers that count what a test says.
struct CountingServer {
    CountingServer() {
        auto made = block({"."});
        made.kubernetes = kubernetes({"cluster.local", "in-addr.arpa"});
        made.kubernetes->options.pods = zones::PodMode::Verified;
        made.kubernetes->api.endpoint = "http://127.0.0.1:9";
        server::Config config;
        config.blocks = {made};
        config.status.emplace();
        instance = server::make_instance(std::move(config), {}, {.metrics = &metrics}, log);
        cluster().apply(std::vector<Change>{
            namespace_object("prod"), namespace_object("default"),
            cluster_ip("prod", "web", "10.0.0.1"), cluster_ip("default", "com", "10.0.0.2"),
            support::applied(support::make_pod("prod", "web-0", "10.1.0.1")),
            support::applied(support::make_pod("prod", "host-a", "10.1.0.9")),
            support::applied(support::make_pod("prod", "host-b", "10.1.0.9"))});
        cluster().synced();
    }
    server::Cluster& cluster() { return *instance->routing.clusters.front(); }
    TopCounts& worker(std::size_t i) { return instance->routing.top->worker(i); }

    void count(const std::string& name, Rcode rcode, int times = 1, const char* from = "192.0.2.1",
               std::size_t of_worker = 0, bool ahead = false) {
        const Octets octets = make_query({.name = name});
        zones::Query query;
        zones::parse_query(octets, query);
        const auto snapshot = cluster().published().value();
        zones::Foreseen foreseen;
        cluster().zone().foresee(query.name, *snapshot, foreseen);
        for (int i = 0; i < times; ++i) {
            TopCounts& top = worker(of_worker);
            const auto header = static_cast<unsigned>(rcode);
            if (rcode == Rcode::FormErr) {
                if (top.samples_refusal()) {
                    top.refused(query, asking_client(from), rcode);
                }
            } else if (ahead && foreseen.octets_before == 0) {
                top.replied(query, TopCounts::key_of(foreseen, 0), asking_client(from), header);
            } else if (ahead && foreseen.octets_before <= 16) {
                top.replied(query, top.key_of(query.name, foreseen, 0), asking_client(from),
                            header);
            } else {
                top.replied_to_any(query, asking_client(from), header);
            }
        }
    }

    /// `"queries":N` and what stands before it, of each entry of a list.
    std::string list(std::string_view name, std::size_t most = 20) {
        const std::string json = server::top_json(server::top_report(*instance, name, most));
        std::string text;
        for (std::size_t at = json.find('[') + 1; json[at] == '{';) {
            const std::size_t rate = json.find(",\"per_second\"", at);
            text += json.substr(at + 1, rate - at - 1) + "\n";
            at = json.find('}', rate) + 1;
            at += json[at] == ',' ? 1 : 0;
        }
        return text;
    }

    server::Metrics metrics{2};
    PrintedLog printed;
    server::OperatorLog log{printed.sink()};
    std::shared_ptr<server::Instance> instance;
};

}  // namespace

TEST_CASE("top: one name is one entry, however it was looked up, and by whichever worker") {
    CountingServer world;
    world.count("web.prod.svc.cluster.local.", Rcode::NoError, 3);
    world.count("WEB.prod.svc.Cluster.local.", Rcode::NoError, 2, "192.0.2.1", 0, true);
    world.count("web.prod.svc.cluster.local.", Rcode::NoError, 5, "192.0.2.1", 1, true);
    world.count("_http._tcp.web.prod.svc.cluster.local.", Rcode::NoError, 4, "192.0.2.1", 0, true);
    world.count("a-long-endpoint-name-0.web.prod.svc.cluster.local.", Rcode::NoError, 3,
                "192.0.2.1", 1, true);
    world.count("a-long-endpoint-name-1.web.prod.svc.cluster.local.", Rcode::NoError, 2,
                "192.0.2.1", 1, true);
    world.count("web.prod.svc.cluster.local.", Rcode::ServFail, 1);
    world.count("a.", Rcode::NxDomain, 1);
    CHECK(world.list("names") ==
          "\"name\":\"web.prod.svc.cluster.local.\",\"queries\":11\n"
          "\"name\":\"_http._tcp.web.prod.svc.cluster.local.\",\"queries\":4\n"
          "\"name\":\"a-long-endpoint-name-0.web.prod.svc.cluster.local.\",\"queries\":3\n"
          "\"name\":\"a-long-endpoint-name-1.web.prod.svc.cluster.local.\",\"queries\":2\n"
          "\"name\":\"a.\",\"queries\":1\n");
    CHECK(world.list("names", 1) == "\"name\":\"web.prod.svc.cluster.local.\",\"queries\":11\n");
    CHECK(world.list("nxdomain") == "\"name\":\"a.\",\"queries\":1\n");
    CHECK(world.list("errors") ==
          "\"name\":\"web.prod.svc.cluster.local.\",\"rcode\":\"SERVFAIL\",\"queries\":1\n");
}

TEST_CASE("top: clients, as pods where those are watched") {
    CountingServer world;
    world.count("x.", Rcode::NoError, 5, "10.1.0.1");
    world.count("x.", Rcode::NoError, 4, "10.1.0.9");
    world.count("x.", Rcode::NoError, 3, "192.0.2.7", 1);
    world.count("x.", Rcode::NoError, 2, "2001:db8::7");
    CHECK(world.list("clients") ==
          "\"client\":\"10.1.0.1\",\"pod\":\"prod/web-0\",\"pods\":1,\"queries\":5\n"
          "\"client\":\"10.1.0.9\",\"pod\":null,\"pods\":2,\"queries\":4\n"
          "\"client\":\"192.0.2.7\",\"pod\":null,\"pods\":0,\"queries\":3\n"
          "\"client\":\"2001:db8::7\",\"pod\":null,\"pods\":0,\"queries\":2\n");
    const std::string json = server::top_json(server::top_report(*world.instance, "clients", 1));
    CHECK(json.find("\"queries\":14,") != json.npos);
    CHECK(json.find("\"share\":0.357142") != json.npos);
}

TEST_CASE("top: FORMERR is counted one by one, then by sampling") {
    CountingServer world;
    world.count("x.", Rcode::FormErr, 200);
    CHECK(world.list("errors") == "\"name\":\"x.\",\"rcode\":\"FORMERR\",\"queries\":200\n");
    world.count("x.", Rcode::FormErr, 99'800);
    const auto sums = server::top_sums(*world.instance->routing.top, TopTable::Errors);
    CHECK(static_cast<double>(sums.begin()->second) == doctest::Approx(100'000).epsilon(0.05));
}

TEST_CASE("top: two windows, and what is older is forgotten") {
    CountingServer world;
    const auto start = TopCounts::Clock::now();
    const auto names = [&] {
        return server::top_sums(*world.instance->routing.top, TopTable::Names).size();
    };
    world.count("a.", Rcode::NoError);
    world.worker(0).tick(start);
    CHECK(names() == 1);
    world.worker(0).tick(start + 61s);
    world.count("b.", Rcode::NoError);
    CHECK(names() == 2);
    world.worker(0).tick(start + 62s);
    CHECK(names() == 2);
    world.worker(0).tick(start + 122s);
    CHECK(names() == 1);  // a. is two windows old
    world.worker(0).tick(start + 183s);
    CHECK(names() == 0);
}

TEST_CASE("top: names that a search list was tried for") {
    CountingServer world;
    for (const char* suffix :
         {"default.svc.cluster.local.", "svc.cluster.local.", "cluster.local."}) {
        world.count(std::string("www.example.org.") + suffix, Rcode::NxDomain, 2);
        world.count(std::string("example.net.") + suffix, Rcode::NxDomain, 1);
        world.count(std::string("shop.") + suffix, Rcode::NxDomain,
                    7);  // one label: a mistake, perhaps
    }
    world.count("web-3.web.prod.svc.cluster.local.", Rcode::NxDomain, 9);  // an endpoint's
    world.count("example.com.default.svc.cluster.local.", Rcode::NxDomain,
                9);                                                 // there is a Service `com`
    world.count("web.prd.svc.cluster.local.", Rcode::NxDomain, 9);  // a misspelled namespace
    world.count("gone.example.org.", Rcode::NxDomain, 9);           // nobody's suffix
    world.count("x.y.pod.cluster.local.", Rcode::NxDomain, 9);
    CHECK(world.list("wasted") ==
          "\"name\":\"www.example.org.\",\"queries\":6\n"
          "\"name\":\"example.net.\",\"queries\":3\n");
}

TEST_CASE("top: names that look like a cluster's") {
    const auto looks = [](const char* text) {
        zones::LoweredName lowered;
        const zones::Name wire = zones::Name::parse(text).value();
        lowered.assign(wire.wire());
        return server::looks_like_cluster(lowered);
    };
    CHECK(looks("web.prod.svc.cluster.local"));
    CHECK(looks("web.prod.svc.other.example"));
    CHECK(looks("web.prod.svc"));
    CHECK(looks("10-0-0-1.prod.pod.k8s.example"));
    CHECK(looks("printer.local"));
    CHECK_FALSE(looks("svc.example.org"));
    CHECK_FALSE(looks("local"));
    CHECK_FALSE(looks("www.example.org"));
    CHECK_FALSE(looks("localhost."));
}

TEST_CASE("top: memory is at its bound, whatever is asked") {
    CountingServer world;
    CHECK(world.worker(0).memory() < 2U << 20);
    // The names have 1.5 MB, and none of that is kept, as far as the C library tells (sanitizers
    // have one of their own). Other threads of the instance allocate a little meanwhile.
    const std::size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 50'000; ++i) {
        world.count("name-" + std::to_string(i) + ".example.org.", Rcode::NxDomain);
    }
    CHECK(mallinfo2().uordblks < before + (128U << 10));
    const auto kept = server::top_sums(*world.instance->routing.top, TopTable::NxDomain);
    CHECK(kept.size() <= TopCounts::kPlaces[2]);
    CHECK(kept.size() > TopCounts::kPlaces[2] / 2);
}

TEST_CASE("top: a reload keeps the counts where `status` stays, and begins anew where it was off") {
    CountingServer world;
    world.count("a.", Rcode::NoError);
    server::Config same = world.instance->config;
    const auto after = server::make_instance(same, {}, {.metrics = &world.metrics}, world.log,
                                             world.instance.get());
    CHECK(after->routing.top == world.instance->routing.top);
    same.status.reset();
    const auto without = server::make_instance(same, {}, {.metrics = &world.metrics}, world.log,
                                               world.instance.get());
    CHECK(without->routing.top == nullptr);
}

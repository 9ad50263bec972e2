#include "server/routing.h"

#include <doctest/doctest.h>

#include "tests/server/blocks.h"

namespace {

using server::Config;
using server::Listen;
using server::make_routing;
using server::Routing;
using server::testing::block;
using server::testing::config_of;
using server::testing::forward;
using server::testing::kubernetes;
using server::testing::name;

/// Which block answers a name on a route; -1 if none.
int block_answering(const Routing& routing, std::string_view text, std::size_t at = 0) {
    zones::LoweredName lowered;
    lowered.assign(name(text).wire());
    const auto match = routing.routes.at(at).zones.find(lowered);
    return match ? static_cast<int>(routing.served.at(match->value).block) : -1;
}

}  // namespace

TEST_CASE("blocks on one listener share a route, in which the longest zone wins") {
    const Config config = config_of(
        {block({"."}), block({"example.org", "example.net"}), block({"deep.example.org"})});
    const Routing routing = make_routing(config, {}, {});
    REQUIRE(routing.routes.size() == 1);
    CHECK(block_answering(routing, "example.com") == 0);
    CHECK(block_answering(routing, "example.org") == 1);
    CHECK(block_answering(routing, "a.EXAMPLE.net") == 1);
    CHECK(block_answering(routing, "a.deep.example.org") == 2);
    CHECK(block_answering(routing, "xdeep.example.org") == 1);
}

TEST_CASE("each address and port has a route of its own, with only its zones") {
    auto both = block({"example.org"}, {"127.0.0.1", 53});
    both.keys.front().listens.push_back({"::1", 53});
    const Config config = config_of({both, block({"example.net"}, {"127.0.0.1", 5353})});
    const Routing routing = make_routing(config, {}, {});
    REQUIRE(routing.routes.size() == 3);
    CHECK(routing.routes[0].listen == Listen{"127.0.0.1", 53});
    CHECK(routing.routes[1].listen == Listen{"::1", 53});
    CHECK(routing.routes[2].listen == Listen{"127.0.0.1", 5353});
    CHECK(block_answering(routing, "example.org", 1) == 0);
    CHECK(block_answering(routing, "example.net", 1) == -1);
    CHECK(block_answering(routing, "example.org", 2) == -1);
    CHECK(block_answering(routing, "example.net", 2) == 1);
}

TEST_CASE("forward lines are numbered across the blocks, in the Corefile's order") {
    auto first = block({"example.org"});
    first.forwards = {forward("example.org", 1), forward("a.example.org", 2)};
    auto second = block({"example.net"});
    auto third = block({"."});
    third.forwards = {forward(".", 3)};
    const Config config = config_of({first, second, third});
    const Routing routing = make_routing(config, {}, {});
    REQUIRE(routing.forwards.size() == 3);
    CHECK(routing.blocks[0].first_forwarder == 0);
    CHECK(routing.blocks[2].first_forwarder == 2);
    CHECK(routing.forwards[1].config->options.upstreams.front().port == 2);
    CHECK(routing.forwards[2].config->options.upstreams.front().port == 3);
}

TEST_CASE("each kubernetes block has a cluster of its own") {
    auto first = block({"cluster.local"});
    first.kubernetes = kubernetes({"cluster.local"});
    auto second = block({"example.net"});
    auto third = block({"other.local"});
    third.kubernetes = kubernetes({"other.local"});
    const Config config = config_of({first, second, third});
    const Routing routing = make_routing(config, {}, {});
    REQUIRE(routing.clusters.size() == 2);
    CHECK(routing.blocks[0].cluster == routing.clusters[0].get());
    CHECK(routing.blocks[1].cluster == nullptr);
    CHECK(routing.blocks[2].cluster == routing.clusters[1].get());
    CHECK(routing.blocks[2].cluster_index == 1);
    CHECK(routing.blocks[2].config == &config.blocks[2]);

    zones::LoweredName lowered;
    lowered.assign(name("svc.other.local").wire());
    CHECK_FALSE(routing.clusters[0]->zone().is_ours(lowered));
    CHECK(routing.clusters[1]->zone().is_ours(lowered));
}

TEST_CASE("a reload takes over clusters and caches whose part of the Corefile is the same") {
    const auto configured = [](const std::string& kubernetes_text, const std::string& cache_text) {
        auto one = block({"cluster.local"});
        one.kubernetes = kubernetes({"cluster.local"});
        one.kubernetes->written = kubernetes_text;
        one.cache = server::CacheConfig{};
        one.cache->written = cache_text;
        return config_of({one});
    };
    const Config before = configured("k", "c");
    const Routing running = make_routing(before, {}, {});
    const Config config = configured("k", "other");
    const Routing next = make_routing(config, {}, {}, {}, &running);
    CHECK(next.clusters[0] == running.clusters[0]);
    CHECK(next.blocks[0].cluster == running.clusters[0].get());
    CHECK(next.caches[0] != running.caches[0]);

    const Config other = configured("other", "c");
    const Routing changed = make_routing(other, {}, {}, {}, &running);
    CHECK(changed.clusters[0] != running.clusters[0]);
    CHECK(changed.caches[0] == running.caches[0]);
    // ns.dns has the addresses listened on.
    const auto address = zones::parse_address("192.0.2.53").value();
    CHECK(make_routing(before, {address}, {}, {}, &running).clusters[0] != running.clusters[0]);
}

TEST_CASE("two blocks that say the same do not share one cluster after a reload") {
    auto first = block({"cluster.local"});
    first.kubernetes = kubernetes({"cluster.local"});
    const Config config = config_of({first, first});
    const Routing running = make_routing(config, {}, {});
    const Routing next = make_routing(config, {}, {}, {}, &running);
    CHECK(next.clusters[0] == running.clusters[0]);
    CHECK(next.clusters[1] == running.clusters[1]);
}

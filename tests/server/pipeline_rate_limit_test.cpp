// `ratelimit` in the pipeline, and what a client may have waiting for upstreams.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

using namespace server::testing;
using server::Limit;
using server::LimitAction;

namespace {

constexpr const char* kHog = "10.0.0.66";
constexpr const char* kOther = "10.0.0.1";

std::string limiting(std::string_view options) {
    return ". {\nprometheus\nratelimit 10 {\n" + std::string(options) +
           "\n}\nkubernetes cluster.local\nforward . UPSTREAM\n}\n";
}

struct RateLimitedRig : CorefileRig {
    explicit RateLimitedRig(std::string_view options = "") : CorefileRig(limiting(options)) {
        apply({cluster_ip("prod", "web", "10.96.0.10"),
               external_name("prod", "out", "www.example.org")});
    }
    /// How many have been counted so.
    std::uint64_t counted(Limit limit, LimitAction action) {
        const auto& cells = routing().served.front().series->cells[0];
        return cells.limited[static_cast<std::size_t>(limit)][static_cast<std::size_t>(action)]
            .get();
    }
    void use_up(const char* client, bool tcp = false) {
        for (int i = 0; i < 10; ++i) {
            CHECK(handle(make_query({.name = kWebName}), client_at(client, tcp)).size > 0);
            CHECK(read_reply(reply()).rcode == "NOERROR");
        }
    }
};

}  // namespace

TEST_CASE("ratelimit: more is truncated over UDP, and answered over TCP") {
    RateLimitedRig rig;
    rig.use_up(kHog);
    const Reply over = rig.ask_from(kHog, {.name = "Web.prod.svc.cluster.local", .edns = true});
    CHECK(verdict_of(over) == "NOERROR qr tc rd ra");
    CHECK(over.question == Texts{"Web.prod.svc.cluster.local. IN A"});
    CHECK((over.answer.empty() && over.authority.empty() && over.edns));
    rig.handle(make_query({.name = kWebName}), client_at(kHog, true));
    CHECK(read_reply(rig.reply()).answer.size() == 1);
    CHECK(rig.ask_from(kOther, {.name = kWebName}).answer.size() == 1);
    CHECK(rig.counted(Limit::Queries, LimitAction::Truncated) == 1);
}

TEST_CASE("ratelimit: more over TCP is refused") {
    RateLimitedRig rig;
    rig.use_up(kHog, true);
    rig.handle(make_query({.name = kWebName}), client_at(kHog, true));
    CHECK(verdict_of(read_reply(rig.reply())) == "REFUSED qr rd ra");
    CHECK(rig.counted(Limit::Queries, LimitAction::Refused) == 1);
}

TEST_CASE("ratelimit: over refuse, over drop") {
    RateLimitedRig refusing("over refuse");
    refusing.use_up(kHog);
    CHECK(verdict_of(refusing.ask_from(kHog, {.name = kWebName})) == "REFUSED qr rd ra");
    RateLimitedRig dropping("over drop");
    dropping.use_up(kHog);
    const auto handled = dropping.handle(make_query({.name = kWebName}), client_at(kHog));
    CHECK(handled.size == 0);
    CHECK_FALSE(handled.waits);
    CHECK(dropping.counted(Limit::Queries, LimitAction::Dropped) == 1);
    CHECK(dropping.pipeline().counters().all_dropped() == 1);
    CHECK(dropping.ask_from(kOther, {.name = kWebName}).answer.size() == 1);
}

TEST_CASE("ratelimit: a flood leaves no work and hardly a reply") {
    RateLimitedRig rig;
    int replies = 0;
    const auto begin = rig.now();
    for (int i = 0; i < 10'000; ++i) {
        const auto query = make_query({.name = std::to_string(i) + ".example.org"});
        replies += rig.handle(query, client_at(kHog)).size > 0 ? 1 : 0;
    }
    // Ten at once, and ten for each second that this has taken.
    const auto seconds = std::chrono::duration<double>(rig.now() - begin).count();
    CHECK(static_cast<double>(rig.pipeline().waiting()) <= 11 + 10 * seconds);
    CHECK(replies > 10);
    CHECK(replies < 10'000 / 4);  // one of eight is told anyway
    CHECK(rig.ask_from(kOther, {.name = kWebName}).answer.size() == 1);
}

TEST_CASE("ratelimit: cluster names come before forwards") {
    RateLimitedRig rig("forwards 2");
    for (int i = 0; i < 2; ++i) {
        const std::string name = std::to_string(i) + ".example.org";
        CHECK(rig.ask_from(kHog, {.name = name}).answer.size() == 1);
    }
    CHECK(verdict_of(rig.ask_from(kHog, {.name = "2.example.org"})) == "NOERROR qr tc rd ra");
    CHECK(rig.ask_from(kHog, {.name = kWebName}).answer.size() == 1);
    CHECK(rig.ask_from(kOther, {.name = "3.example.org"}).answer.size() == 1);
    CHECK(rig.forwarded() == Texts{"0.example.org.", "1.example.org.", "3.example.org."});
    CHECK(rig.counted(Limit::Forwards, LimitAction::Truncated) == 1);
    CHECK(rig.counted(Limit::Queries, LimitAction::Truncated) == 0);
}

TEST_CASE("ratelimit: a chain whose end is too much is truncated, or has failed") {
    RateLimitedRig rig("forwards 1");
    const Asked alias{.name = "out.prod.svc.cluster.local"};
    CHECK(types_of(rig.ask_from(kHog, alias)) == "CNAME A");
    const Reply over = rig.ask_from(kHog, alias);
    CHECK(over.flags == "qr tc rd ra");
    CHECK(over.answer.empty());
    RateLimitedRig refusing("forwards 1\nover refuse");
    refusing.ask_from(kHog, alias);
    const Reply failed = refusing.ask_from(kHog, alias);
    CHECK(verdict_of(failed) == "SERVFAIL qr aa rd ra");
    CHECK(types_of(failed) == "CNAME");
    RateLimitedRig dropping("forwards 1\nover drop");
    dropping.ask_from(kHog, alias);
    CHECK(dropping.handle(make_query(alias), client_at(kHog)).size == 0);
}

TEST_CASE("ratelimit: cached answers are queries and no forwards") {
    CorefileRig rig(". {\nratelimit 100 {\nforwards 1\n}\ncache\nforward . UPSTREAM\n}\n");
    for (int i = 0; i < 20; ++i) {
        CHECK(rig.ask_from(kHog, {.name = "www.example.org"}).answer.size() == 1);
    }
    CHECK(rig.ask_from(kHog, {.name = "b.example.org"}).flags == "qr tc rd ra");
}

TEST_CASE("ratelimit: a rewritten question is one query, refused under its own name") {
    CorefileRig rig(
        ". {\nratelimit 10 {\nforwards 2\n}\nrewrite name suffix .far.test .example.net answer "
        "auto\nforward . UPSTREAM\n}\n");
    for (int i = 0; i < 2; ++i) {
        CHECK(rig.ask_from(kHog, {.name = "www.far.test"}).answer.size() == 1);
    }
    const Reply over = rig.ask_from(kHog, {.name = "www.far.test"});
    CHECK(over.flags == "qr tc rd ra");
    CHECK(over.question == Texts{"www.far.test. IN A"});
}

TEST_CASE("ratelimit: blocks have their own") {
    CorefileRig rig(
        "limited.test {\nratelimit 1\nwhoami\n}\nfree.test {\nwhoami\n}\nother.test {\nratelimit "
        "1\nwhoami\n}\n");
    CHECK(rig.ask_from(kHog, {.name = "limited.test"}).flags == "qr aa rd");
    CHECK(rig.ask_from(kHog, {.name = "limited.test"}).flags == "qr tc rd");
    CHECK(rig.ask_from(kHog, {.name = "other.test"}).flags == "qr aa rd");
    for (int i = 0; i < 10; ++i) {
        CHECK(rig.ask_from(kHog, {.name = "free.test"}).flags == "qr aa rd");
    }
}

namespace {

/// An upstream that says nothing; no limits but those that are always there.
struct WaitingRig : CorefileRig {
    explicit WaitingRig(std::string_view options = "", std::size_t places = 100)
        : CorefileRig(". {\nprometheus\nkubernetes cluster.local\nforward . UPSTREAM {\n" +
                      std::string(options) + "\n}\n}\n") {
        upstream().set_script([this](support::FakeUpstream&, const support::Received& query) {
            held.push_back(query);
        });
        routing().max_pending = places;
        apply({cluster_ip("prod", "web", "10.96.0.10")});
    }
    bool waits(const char* client) {
        const auto query = make_query({.name = std::to_string(next_++) + ".example.org"});
        return handle(query, client_at(client)).waits;
    }
    int fill(const char* client) {
        int waiting = 0;
        while (waits(client)) {
            ++waiting;
        }
        return waiting;
    }
    std::vector<support::Received> held;

  private:
    int next_ = 0;
};

}  // namespace

TEST_CASE("a client alone cannot have all places of what waits for upstreams") {
    WaitingRig rig;
    CHECK(rig.fill(kHog) == 75);
    CHECK(verdict_of(read_reply(rig.reply())) == "REFUSED qr rd ra");
    CHECK(rig.waits(kOther));
    CHECK(rig.fill("fd00::1") > 10);
    CHECK_FALSE(rig.waits("fd00::2"));  // the same client
    CHECK(rig.waits("10.0.0.2"));
    CHECK(rig.ask_from(kHog, {.name = kWebName}).answer.size() == 1);
    CHECK(rig.metrics().text().find("limit=\"waiting\",action=\"refused\"} 3\n") !=
          std::string::npos);
}

TEST_CASE("places are given back with the reply") {
    WaitingRig rig;
    REQUIRE(rig.fill(kHog) == 75);
    REQUIRE(rig.run_until([&] { return rig.held.size() >= 75; }));
    for (const auto& query : rig.held) {
        answer_with_address(rig.upstream(), query);
    }
    REQUIRE(rig.run_until([&] { return rig.late().size() == 75; }));
    CHECK(rig.fill(kHog) == 75);
}

TEST_CASE("max_concurrent is shared as well") {
    WaitingRig rig("max_concurrent 40", 10'000);
    CHECK(rig.fill(kHog) == 30);
    CHECK(rig.waits(kOther));
    CHECK(rig.pipeline().counters().rejected_forwards.get() == 1);
}

TEST_CASE("while more comes than can be answered, upstreams are spared and cluster names are not") {
    CorefileRig rig(". {\nkubernetes cluster.local\ncache\nforward . UPSTREAM\n}\n");
    rig.apply({cluster_ip("prod", "web", "10.96.0.10")});
    CHECK(rig.ask_from(kHog, {.name = "www.example.org"}).answer.size() == 1);
    rig.pipeline().shed_forwards(true);
    CHECK(verdict_of(rig.ask_from(kOther, {.name = "b.example.org"})) == "REFUSED qr rd ra");
    CHECK(rig.ask_from(kOther, {.name = kWebName}).answer.size() == 1);
    CHECK(rig.ask_from(kOther, {.name = "www.example.org"}).answer.size() == 1);  // cached
    CHECK(rig.pipeline().counters().shed_forwards.get() == 1);
    CHECK(rig.forwarded() == Texts{"www.example.org."});
    rig.pipeline().shed_forwards(false);
    CHECK(rig.ask_from(kOther, {.name = "b.example.org"}).answer.size() == 1);
}

TEST_CASE("where there is no cluster, nothing comes before forwards") {
    CorefileRig rig(". {\nforward . UPSTREAM\n}\n");
    rig.pipeline().shed_forwards(true);
    CHECK(rig.ask_from(kHog, {.name = "www.example.org"}).answer.size() == 1);
}

// `rrl` in the pipeline: what leaves of a reply, at once or after an upstream's.
#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Limit;
using server::LimitAction;

namespace {

struct ResponseLimitedRig : CorefileRig {
    explicit ResponseLimitedRig(std::string_view options, std::string_view more = "")
        : CorefileRig(". {\nprometheus\nrrl {\n" + std::string(options) + "\n}\n" +
                      std::string(more) + "\nkubernetes cluster.local\nforward . UPSTREAM\n}\n") {
        apply({cluster_ip("prod", "web", "10.96.0.10")});
    }
    /// The size of the reply that is there at once.
    std::size_t size(const Asked& asked, const char* client = kVictim, bool tcp = false) {
        return handle(make_query(asked), client_at(client, tcp)).size;
    }
    std::uint64_t counted(Limit limit, LimitAction action) {
        const auto& cells = routing().served.front().series->cells[0];
        return cells.limited[static_cast<std::size_t>(limit)][static_cast<std::size_t>(action)]
            .get();
    }
};

}  // namespace

TEST_CASE("rrl: the same answer leaves as often as it may, and over TCP as often as it is asked") {
    ResponseLimitedRig rig("responses-per-second 5");
    for (int i = 0; i < 5; ++i) {
        CHECK(rig.size({.name = kWebName}) > 0);
    }
    for (int i = 0; i < 20; ++i) {
        CHECK(rig.size({.name = kWebName}) == 0);
    }
    CHECK(rig.size({.name = kWebName}, kVictim, true) > 0);
    CHECK(rig.size({.name = kWebName}, "203.0.113.1") > 0);
    CHECK(rig.size({.name = kWebName, .type = 28}) > 0);
    CHECK(rig.counted(Limit::Responses, LimitAction::Dropped) == 20);
    CHECK(rig.pipeline().counters().all_dropped() == 20);
    const auto& cells = rig.routing().served.front().series->cells[0];
    CHECK(cells.requests[0][0][server::type_place(1)].get() == 26);
}

TEST_CASE("rrl: what slips through is truncated and empty, and no larger than the question") {
    ResponseLimitedRig rig("responses-per-second 1\nslip-ratio 1");
    CHECK(rig.ask_from(kVictim, {.name = kWebName, .edns = true}).answer.size() == 1);
    const Reply slipped = rig.ask_from(kVictim, {.name = kWebName, .edns = true});
    CHECK(verdict_of(slipped) == "NOERROR qr aa tc rd ra");
    CHECK((slipped.answer.empty() && slipped.edns));
    CHECK(slipped.size == make_query({.name = kWebName, .edns = true}).size());
    CHECK(rig.counted(Limit::Responses, LimitAction::Truncated) == 1);
}

TEST_CASE("rrl: random names of a zone are one denial") {
    ResponseLimitedRig rig("nxdomains-per-second 3");
    int replies = 0;
    for (int i = 0; i < 50; ++i) {
        replies += rig.size({.name = std::to_string(i) + ".prod.svc.cluster.local"}) > 0 ? 1 : 0;
    }
    CHECK(replies == 3);
    CHECK(rig.size({.name = kWebName}) > 0);
}

TEST_CASE("rrl: a reply that an upstream brings is limited like any other") {
    ResponseLimitedRig rig("responses-per-second 2");
    for (int i = 0; i < 4; ++i) {
        CHECK(rig.handle(make_query({.name = "www.example.org"}), client_at(kVictim)).waits);
        REQUIRE(rig.run_until([&] { return rig.pipeline().waiting() == 0; }));
    }
    CHECK(rig.late().size() == 2);
    CHECK(rig.forwarded().size() == 4);
}

TEST_CASE("rrl: a cached reply that is kept back is not asked for upstream instead") {
    ResponseLimitedRig rig("responses-per-second 2", "cache");
    rig.ask_from(kVictim, {.name = "www.example.org"});
    rig.size({.name = "www.example.org"});
    for (int i = 0; i < 10; ++i) {
        const auto handled =
            rig.handle(make_query({.name = "www.example.org"}), client_at(kVictim));
        CHECK(handled.size == 0);
        CHECK_FALSE(handled.waits);
    }
    CHECK(rig.forwarded().size() == 1);
}

TEST_CASE("rrl: a rewritten question is limited by the name that was asked") {
    ResponseLimitedRig rig("responses-per-second 1\nslip-ratio 1",
                           "rewrite name suffix .far.test .example.net answer auto");
    CHECK(rig.ask_from(kVictim, {.name = "www.far.test"}).answer.size() == 1);
    const Reply slipped = rig.ask_from(kVictim, {.name = "WWW.far.test"});
    CHECK(slipped.question == std::vector<std::string>{"WWW.far.test. IN A"});
    CHECK(slipped.answer.empty());
    CHECK(slipped.flags.find("tc") != std::string::npos);
    CHECK(rig.ask_from(kVictim, {.name = "www.example.net"}).answer.size() == 1);
}

TEST_CASE("rrl: requests over their number get no reply, and leave no work") {
    ResponseLimitedRig rig("requests-per-second 3");
    for (int i = 0; i < 20; ++i) {
        rig.size({.name = std::to_string(i) + ".example.org"});
    }
    CHECK(rig.pipeline().waiting() == 3);
    CHECK(rig.counted(Limit::Requests, LimitAction::Dropped) == 17);
    CHECK(rig.size({.name = kWebName}, kVictim, true) > 0);
}

TEST_CASE("rrl: report-only counts and lets pass") {
    ResponseLimitedRig rig("responses-per-second 1\nrequests-per-second 1\nreport-only");
    for (int i = 0; i < 10; ++i) {
        CHECK(rig.ask_from(kVictim, {.name = kWebName}).answer.size() == 1);
    }
    CHECK(rig.counted(Limit::Responses, LimitAction::Reported) == 9);
    CHECK(rig.counted(Limit::Requests, LimitAction::Reported) == 9);
}

TEST_CASE("rrl: other zones than those named are not limited") {
    CorefileRig rig(". {\nrrl a.test {\nresponses-per-second 1\n}\nwhoami\n}\n");
    CHECK(rig.handle(make_query({.name = "a.test"}), client_at(kVictim)).size > 0);
    CHECK(rig.handle(make_query({.name = "b.test"}), client_at(kVictim)).size > 0);
    CHECK(rig.handle(make_query({.name = "b.test"}), client_at(kVictim)).size > 0);
}

#include "server/admin.h"

#include <atomic>

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"
#include "tests/server/http_client.h"
#include "tests/server/journal_lines.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Admin;
using server::Config;
using server::HttpReply;

namespace {

struct AdminRig {
    std::atomic<bool> stuck{false};
    std::atomic<bool> ready{false};
    server::RareMetrics metrics;
    JournalLines log;
    Admin admin{[this] { return stuck.load(); }, metrics, log};

    void use(const Config& config, const std::string& text = "metrics") {
        admin.commit(admin.prepare(config, [text] { return HttpReply{.body = text}; }),
                     {{"kubernetes", [this] { return ready.load(); }}});
    }
    std::string get(const std::string& path, std::size_t listener = 0) {
        const std::string reply = HttpClient(admin.listeners().at(listener).bound.port).get(path);
        return std::to_string(status_of(reply)) + " " + body_of(reply);
    }
};

TEST_CASE("health, ready and metrics on one address") {
    AdminRig world;
    world.use(load("a {\nhealth 127.0.0.1:0\nready 127.0.0.1:0\nprometheus 127.0.0.1:0\n}"));
    CHECK(world.admin.listeners().size() == 1);
    CHECK(world.get("/health") == "200 OK");
    CHECK(world.get("/ready") == "503 kubernetes");
    CHECK(world.get("/metrics") == "200 metrics");
    world.ready = true;
    CHECK(world.get("/ready") == "200 OK");
    world.stuck = true;
    CHECK(world.get("/health").starts_with("503 "));
    CHECK(world.get("/ready") == "200 OK");
    world.stuck = false;
    world.admin.stop_being_ready();
    CHECK(world.get("/ready") == "503 Shutting down");
    CHECK(world.get("/health") == "200 OK");
}

TEST_CASE("ready on two addresses says the same of all blocks; prometheus twice is one") {
    AdminRig world;
    world.use(
        load("a {\nready 127.0.0.2:0\nprometheus 127.0.0.1:0\n}\n"
             "b {\nready 127.0.0.3:0\nprometheus 127.0.0.1:0\n}"));
    REQUIRE(world.admin.listeners().size() == 3);
    CHECK(world.admin.listeners()[0].asked.address == "127.0.0.2");
    CHECK(world.admin.listeners()[1].asked.address == "127.0.0.1");
    CHECK(world.admin.listeners()[2].asked.address == "127.0.0.3");
    CHECK(world.get("/metrics", 1) == "200 metrics");
}

TEST_CASE("a reload changes what is asked, and keeps what is ready") {
    AdminRig world;
    const Config config = load("a {\nhealth 127.0.0.1:0\nready 127.0.0.1:0\n}");
    world.use(config);
    world.ready = true;
    const std::uint16_t port = world.admin.listeners().front().bound.port;
    HttpClient keeping(port);
    CHECK(status_of(keeping.get("/ready")) == 200);
    world.ready = false;
    world.use(load("a {\nready 127.0.0.1:0\nprometheus 127.0.0.1:0\n}"), "after");
    CHECK(world.admin.listeners().front().bound.port == port);
    CHECK(status_of(keeping.get("/ready")) == 200);
    CHECK(status_of(keeping.get("/health")) == 404);
    CHECK(body_of(keeping.get("/metrics")) == "after");
    world.use(load("a {\n}"));
    CHECK(world.admin.listeners().empty());
    CHECK(keeping.closed());
}

TEST_CASE("/health is asked by the process itself") {
    AdminRig world;
    world.use(load("a {\nhealth :0\n}"));
    const auto end = HttpClient::Clock::now() + 10s;
    const auto observed = [&] {
        const auto samples = world.metrics.samples();
        return std::ranges::any_of(samples, [](const server::Sample& s) {
            return s.name == &server::metric::kHealthDuration && s.value > 0;
        });
    };
    while (!observed() && HttpClient::Clock::now() < end) {
        std::this_thread::sleep_for(10ms);
    }
    CHECK(observed());
    CHECK(world.log.lines().empty());
}

TEST_CASE("the longest lameduck counts") {
    CHECK(server::lameduck_of(load("a {\n}")).count() == 0);
    CHECK(server::lameduck_of(load("a {\nhealth :1 {\nlameduck 5s\n}\n}\n"
                                   "b {\nhealth :2 {\nlameduck 2s\n}\n}")) == 5s);
}

}  // namespace

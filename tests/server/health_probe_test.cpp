#include "server/health_probe.h"

#include <doctest/doctest.h>

#include "server/http_responder.h"
#include "tests/server/http_client.h"
#include "tests/server/journal_lines.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::HealthProbe;
using server::HttpReply;
using server::HttpResponder;
using server::Listen;

namespace {

using Clock = HttpClient::Clock;

struct Probed {
    server::RareMetrics metrics;
    JournalLines log;

    std::uint64_t requests() const {
        std::uint64_t all = 0;
        for (const server::Sample& sample : metrics.samples()) {
            for (const std::uint64_t bucket : sample.buckets) {
                all += bucket;
            }
        }
        return all;
    }
    double failures() const {
        double all = 0;
        for (const server::Sample& sample : metrics.samples()) {
            all += sample.name == &server::metric::kHealthFailures ? sample.value : 0;
        }
        return all;
    }
    bool until(const std::function<bool()>& done) const {
        const auto end = Clock::now() + 10s;
        while (!done() && Clock::now() < end) {
            std::this_thread::sleep_for(1ms);
        }
        return done();
    }
};

struct HealthResponder : HttpResponder {
    explicit HealthResponder(const server::HttpHandler& health, Listen listen = {"127.0.0.1", 0}) {
        commit(prepare({{std::move(listen), "/health", health}}));
    }
    Listen bound() const { return listeners().front().bound; }
};

HttpReply ok() {
    return {.body = "OK"};
}

TEST_CASE("a health that answers is measured again and again") {
    Probed probed;
    const HealthResponder serving(ok, {"", 0});
    const HealthProbe probe({serving.bound()}, probed.metrics, probed.log, {.interval = 5ms});
    CHECK(probed.until([&] { return probed.requests() >= 3; }));
    CHECK(probed.failures() == 0);
    CHECK(probed.log.lines().empty());
}

TEST_CASE("a slow one is worth a line") {
    Probed probed;
    const HealthResponder serving([] {
        std::this_thread::sleep_for(30ms);
        return ok();
    });
    const HealthProbe probe({serving.bound()}, probed.metrics, probed.log,
                            {.interval = 5ms, .slow = 20ms});
    REQUIRE(probed.until([&] { return !probed.log.lines().empty(); }));
    CHECK(probed.log.lines().front().starts_with(
        "plugin/health: Local health request to \"http://127.0.0.1:" +
        std::to_string(serving.bound().port) + "/health\" took more than 1s: 0.0"));
    CHECK(probed.failures() == 0);
}

TEST_CASE("one that does not answer, or is not there, is a failure") {
    Probed probed;
    Listen silent{"127.0.0.1", 0};
    const auto listening = server::make_http_listeners({{silent, "/health", ok}}, {});
    silent = listening.front().bound;  // nobody accepts
    Listen nobody;
    {
        const HealthResponder gone(ok);
        nobody = gone.bound();
    }
    const HealthProbe probe({silent, nobody}, probed.metrics, probed.log,
                            {.interval = 5ms, .limit = 20ms});
    REQUIRE(probed.until([&] { return probed.log.lines().size() >= 2; }));
    CHECK(probed.failures() >= 2);
    const auto lines = probed.log.lines();
    CHECK(lines[0] == "plugin/health: Local health request to \"http://127.0.0.1:" +
                          std::to_string(silent.port) + "/health\" failed: read: timed out");
    CHECK(lines[1].ends_with("/health\" failed: connect: Connection refused"));
}

TEST_CASE("a probe that waits can be ended at once") {
    Probed probed;
    const auto listening = server::make_http_listeners({{{"127.0.0.1", 0}, "/health", ok}}, {});
    Clock::time_point start;
    {
        const HealthProbe probe({listening.front().bound}, probed.metrics, probed.log,
                                {.interval = 0ms, .limit = 60s});
        pollfd asked{listening.front().fd->get(), POLLIN, 0};
        REQUIRE(::poll(&asked, 1, 5000) == 1);  // it has connected
        start = Clock::now();
    }
    CHECK(Clock::now() - start < 5s);
    CHECK(probed.requests() == 0);
    CHECK(probed.log.lines().empty());
}

}  // namespace

#include "server/readiness.h"

#include <doctest/doctest.h>

#include "server/heartbeats.h"
#include "tests/server/journal_lines.h"

using namespace std::chrono_literals;
using server::Heartbeats;
using server::Readiness;
using server::ReadyCheck;
using server::testing::JournalLines;

namespace {

std::string said(Readiness& readiness) {
    const server::HttpReply reply = readiness.reply();
    return std::to_string(reply.status) + " " + reply.body;
}

ReadyCheck ready_check(std::string name, const bool& ready) {
    return {std::move(name), [&ready] { return ready; }};
}

TEST_CASE("ready once all are, and then for good") {
    JournalLines log;
    Readiness readiness(log);
    bool a = false;
    bool b = false;
    bool again = false;
    readiness.watch(
        {ready_check("kubernetes", a), ready_check("etcd", b), ready_check("kubernetes", b)},
        false);
    CHECK(said(readiness) == "503 etcd,kubernetes");
    CHECK(said(readiness) == "503 etcd,kubernetes");
    a = true;
    CHECK(said(readiness) == "503 etcd,kubernetes");
    a = false;  // it was ready: not asked again
    b = true;
    CHECK(said(readiness) == "200 OK");
    b = false;
    CHECK(said(readiness) == "200 OK");
    readiness.watch({ready_check("kubernetes", again)}, false);  // a reload while it serves
    CHECK(said(readiness) == "200 OK");
    CHECK(log.lines() ==
          std::vector<std::string>{"plugin/ready: Plugins not ready: \"etcd,kubernetes\""});
}

TEST_CASE("a reload before all are ready asks the new ones") {
    JournalLines log;
    Readiness readiness(log);
    bool a = false;
    bool b = false;
    readiness.watch({ready_check("a", a)}, false);
    CHECK(said(readiness) == "503 a");
    readiness.watch({ready_check("b", b)}, false);
    CHECK(said(readiness) == "503 b");
    b = true;
    CHECK(said(readiness) == "200 OK");
}

TEST_CASE("continuously: asked each time") {
    JournalLines log;
    Readiness readiness(log);
    bool a = true;
    readiness.watch({ready_check("a", a)}, true);
    CHECK(said(readiness) == "200 OK");
    a = false;
    CHECK(said(readiness) == "503 a");
    a = true;
    CHECK(said(readiness) == "200 OK");
    readiness.watch({ready_check("a", a)}, true);
    a = false;
    CHECK(said(readiness) == "503 a");
    CHECK(log.lines().size() == 2);  // once for each time that it began
}

TEST_CASE("nothing to ask is ready; an end is not") {
    JournalLines log;
    Readiness readiness(log);
    CHECK(said(readiness) == "200 OK");
    readiness.stop();
    CHECK(said(readiness) == "503 Shutting down");
    readiness.watch({}, false);
    CHECK(said(readiness) == "503 Shutting down");
}

TEST_CASE("heartbeats") {
    Heartbeats beats(2);
    const Heartbeats::Clock::time_point start = Heartbeats::Clock::now();
    CHECK(!beats.stuck(start + 1h));  // none has begun
    beats.beat(0, start);
    CHECK(!beats.stuck(start + 5s));
    CHECK(beats.stuck(start + 5001ms));
    beats.beat(1, start + 5s);
    CHECK(beats.stuck(start + 5001ms));  // the first still
    beats.beat(0, start + 6s);
    CHECK(!beats.stuck(start + 10s));
    beats.rest(1);
    CHECK(!beats.stuck(start + 11s));
    beats.rest(0);
    CHECK(!beats.stuck(start + 1h));
}

}  // namespace

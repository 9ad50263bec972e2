#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/backoff.h"
#include "k8s_client/complaints.h"
#include "k8s_client/request_gate.h"
#include "tests/k8s_client/recording_sink.h"

using namespace k8s_client;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

TEST_CASE("backoff grows to its limit, never below its start, with jitter") {
    Backoff backoff(milliseconds(200), milliseconds(2000));
    milliseconds last{0};
    bool differs = false;
    for (int i = 0; i < 50; ++i) {
        const milliseconds delay = backoff.next();
        CHECK(delay >= milliseconds(200));
        CHECK(delay <= milliseconds(2000));
        if (i > 5) {
            CHECK(delay >= milliseconds(1000));
            differs |= delay != last;
        }
        last = delay;
    }
    CHECK(differs);
    backoff.reset();
    CHECK(backoff.next() <= milliseconds(400));
}

TEST_CASE("requests are limited per second after a burst") {
    RequestGate gate({100, 5, 0});
    StopSignal stop;
    const auto start = Clock::now();
    for (int i = 0; i < 5; ++i) {
        (void)gate.enter(RequestGate::Kind::Other, stop);
    }
    const auto burst = Clock::now() - start;
    for (int i = 0; i < 10; ++i) {
        (void)gate.enter(RequestGate::Kind::Watch, stop);
    }
    CHECK(burst < milliseconds(90));
    CHECK(Clock::now() - start >= milliseconds(95));

    RequestGate slow({0.001, 1, 0});
    (void)slow.enter(RequestGate::Kind::Other, stop);
    std::thread stopper([&] { stop.raise(); });
    (void)slow.enter(RequestGate::Kind::Other, stop);  // returns, for there is a stop
    stopper.join();
}

TEST_CASE("requests in flight are limited, watches are not") {
    RequestGate gate({1000, 1000, 1});
    StopSignal stop;
    const auto watch = gate.enter(RequestGate::Kind::Watch, stop);
    std::vector<RequestGate::Pass> passes;
    passes.push_back(gate.enter(RequestGate::Kind::Other, stop));
    std::atomic<bool> entered{false};
    std::thread second([&] {
        const auto pass = gate.enter(RequestGate::Kind::Other, stop);
        entered = true;
    });
    (void)gate.enter(RequestGate::Kind::Watch, stop);
    CHECK_FALSE(entered);
    passes.clear();
    second.join();
    CHECK(entered);
}

TEST_CASE("the same complaint is told once; the end of the last one is told") {
    RecordingSink journal;
    Complaints complaints(journal);
    complaints.raise("services", Journal::Level::Warning, "refused");
    complaints.raise("pods", Journal::Level::Warning, "refused");
    complaints.raise("services", Journal::Level::Warning, "refused");
    complaints.raise("pods", Journal::Level::Error, "forbidden");
    CHECK(journal.lines() == std::vector<std::string>{"W refused", "E forbidden"});
    complaints.settle("services");
    complaints.settle("services");
    CHECK(journal.lines().size() == 2);
    complaints.settle("pods");
    CHECK(journal.lines().back() == "I the API server answers again");
    complaints.settle("pods");
    complaints.raise("pods", Journal::Level::Error, "forbidden");
    CHECK(journal.lines().size() == 4);
}

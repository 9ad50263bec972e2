// An observer hears of each request once, of a watch's status while it goes on.
#include "k8s_client/observed_get.h"

#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/request_gate.h"
#include "tests/k8s_client/scripted_http.h"

using namespace k8s_client;

namespace {

struct Recorder : ApiObserver {
    void answered(int status) override { statuses.push_back(status); }
    void took(std::chrono::nanoseconds duration) override { durations.push_back(duration); }
    void held_back(std::chrono::nanoseconds duration) override { waits.push_back(duration); }
    void listed(std::string_view) override {}
    void repaired(std::uint64_t) override {}
    void malformed(std::string_view) override {}

    std::vector<int> statuses;
    std::vector<std::chrono::nanoseconds> durations, waits;
};

struct Taker : HttpBody {
    bool head(const HttpHead& head) override {
        status = head.status;
        return true;
    }
    bool chunk(std::string_view octets) override {
        body += octets;
        return true;
    }
    int status = 0;
    std::string body;
};

}  // namespace

TEST_CASE("status and duration of a request; the response is handed on") {
    ScriptedHttp http({{.status = 200, .pieces = {"a", "b"}}});
    Recorder recorder;
    Taker taker;
    CHECK(ObservedGet(http, &recorder).get({}, taker));
    CHECK(taker.status == 200);
    CHECK(taker.body == "ab");
    CHECK(recorder.statuses == std::vector<int>{200});
    CHECK(recorder.durations.size() == 1);
}

TEST_CASE("no answer is status 0; a watch has no duration") {
    ScriptedHttp http({{.failure = HttpFailure::Kind::Connect}, {.status = 410}});
    Recorder recorder;
    Taker taker;
    ObservedGet observed(http, &recorder);
    CHECK_FALSE(observed.get({}, taker));
    HttpRequest watch;
    watch.is_watch = true;
    CHECK(observed.get(watch, taker));
    CHECK(recorder.statuses == std::vector<int>{0, 410});
    CHECK(recorder.durations.size() == 1);
}

TEST_CASE("the gate says how long it held a request back") {
    Recorder recorder;
    RequestGate gate({.per_second = 50, .burst = 1}, &recorder);
    StopSignal stop;
    (void)gate.enter(RequestGate::Kind::Other, stop);
    (void)gate.enter(RequestGate::Kind::Watch, stop);
    REQUIRE(recorder.waits.size() == 2);
    CHECK(recorder.waits[1] >= std::chrono::milliseconds(15));
}

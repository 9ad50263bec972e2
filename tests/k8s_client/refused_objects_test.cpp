// What an API server brings and is not taken: objects that are wrong, text that is too much.
#include <atomic>

#include <doctest/doctest.h>

#include "k8s_client/json_reader.h"
#include "k8s_client/line_budget.h"
#include "tests/k8s_client/reflector_rig.h"

using namespace k8s_client;
using namespace std::chrono_literals;

namespace {

struct Counting : ApiObserver {
    void answered(int) override {}
    void took(std::chrono::nanoseconds) override {}
    void held_back(std::chrono::nanoseconds) override {}
    void listed(std::string_view) override {}
    void repaired(std::uint64_t) override {}
    void malformed(std::string_view resource) override {
        CHECK(resource == "services");
        ++count;
    }
    std::atomic<int> count{0};
};

const std::string kGood = service_json("good", 5, "10.0.0.1");

}  // namespace

TEST_CASE("objects that are wrong are counted, and fill no log") {
    std::vector<std::string> items{kGood};
    for (int i = 0; i < 100; ++i) {
        items.push_back(service_json("bad" + std::to_string(i), 6, "no-address"));
    }
    items.push_back(service_json("last", 7, "10.0.0.2"));
    ReflectorRig rig({no_streaming(), {.pieces = {list_json(10, items)}}, {.stays_open = true}});
    CHECK(rig.reaches(10));
    CHECK(rig.has("good"));
    CHECK(rig.has("last"));
    CHECK(rig.sink.refused_object_count() == 100);
    CHECK(rig.sink.lines_with("an object of the API server is ignored: ") ==
          LineBudget::kPerMinute);
}

TEST_CASE("lines are left out until the minute is over, and then said") {
    LineBudget lines;
    const auto now = LineBudget::Clock::now();
    for (std::size_t i = 0; i < LineBudget::kPerMinute; ++i) {
        CHECK(lines.take(now));
    }
    CHECK_FALSE(lines.take(now + 1s));
    CHECK_FALSE(lines.take(now + 59s));
    CHECK(lines.take(now + 60s));
    CHECK(lines.left_out() == 2);
    CHECK(lines.left_out() == 0);
}

TEST_CASE("text that is too deep, too large, or no JSON ends its request and is counted") {
    Counting counting;
    const std::string deep = R"({"type":"ADDED","object":{"x":)" + std::string(1000, '[');
    const std::string endless(kMaxJsonToken + 100'000, 'x');
    ReflectorRig rig({no_streaming(),
                      {.pieces = {list_json(10, {kGood})}},
                      {.pieces = {deep + "\n"}},
                      {.pieces = {"{\"type\":\"", endless}},
                      {.pieces = {"}\n"}},
                      {.stays_open = true}},
                     kServices, {}, &counting);
    CHECK(rig.http.targets(6).size() == 6);
    CHECK(counting.count == 3);
    CHECK(rig.sink.wait_line("nested too deeply"));
    CHECK(rig.sink.wait_line("more than 16 MiB"));
    CHECK(rig.has("good"));
}

#include "k8s_client/reflector.h"

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/k8s_client/reflector_rig.h"

using namespace k8s_client;

namespace {

const std::string kA = service_json("a", 5, "10.0.0.1");
const std::string kB = service_json("b", 7, "10.0.0.2");

ScriptedResponse list_of(int version, const std::vector<std::string>& items,
                         const std::string& kind = "Service") {
    return {.pieces = {list_json(version, items, "", kind)}};
}
ScriptedResponse open_watch(std::vector<std::string> events) {
    return {.pieces = std::move(events), .stays_open = true};
}

}  // namespace

TEST_CASE("a list of any age, then a watch from its version") {
    ReflectorRig rig({no_streaming(), list_of(10, {kA, kB}),
                      open_watch({event_json("MODIFIED", service_json("a", 11, "10.0.0.9")),
                                  event_json("DELETED", service_json("b", 12, "10.0.0.2")),
                                  event_json("ADDED", service_json("c", 13, "10.0.0.3"))})});
    CHECK(rig.has("c"));
    CHECK(rig.has("b", false));
    const auto a = std::get<Service>(rig.sink.object("Service n/a"));
    CHECK(a.cluster_ips == std::vector<std::string>{"10.0.0.9"});
    CHECK(rig.sink.synced_count() == 1);
    CHECK(rig.query(0) ==
          "/api/v1/services?watch=true&allowWatchBookmarks=true"
          "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    CHECK(rig.query(1) == "/api/v1/services?resourceVersion=0");
    CHECK(rig.query(2) ==
          "/api/v1/services?watch=true&allowWatchBookmarks=true&resourceVersion=10");
    CHECK(rig.reaches(13));
    CHECK(rig.sink.lines() == std::vector<std::string>{});
}

TEST_CASE("a streaming list goes on as a watch") {
    ReflectorRig rig(
        {open_watch({event_json("ADDED", kA), event_json("ADDED", kB), bookmark_json(10, true),
                     event_json("DELETED", service_json("a", 11, "10.0.0.1"))})});
    CHECK(rig.has("b"));
    CHECK(rig.has("a", false));
    CHECK(rig.sink.synced_count() == 1);
    CHECK(rig.http.targets(1).size() == 1);
    CHECK(rig.reaches(11));
}

TEST_CASE("selectors go to the server") {
    ReflectorRig rig({no_streaming(), list_of(10, {}, "Pod")}, kPods,
                     {"app in (x,y)", "status.phase!=Failed"});
    CHECK(rig.query(1) ==
          "/api/v1/pods?resourceVersion=0&labelSelector=app%20in%20%28x%2Cy%29"
          "&fieldSelector=status.phase%21%3DFailed");
}

TEST_CASE("a watch that ends is resumed from the last event or bookmark") {
    ReflectorRig rig({no_streaming(),
                      list_of(10, {kA}),
                      {.pieces = {bookmark_json(15)}},
                      {.pieces = {event_json("ADDED", service_json("b", 20, "10.0.0.2"))}},
                      open_watch({})});
    CHECK(rig.query(3).ends_with("&resourceVersion=15"));
    CHECK(rig.query(4).ends_with("&resourceVersion=20"));
    CHECK(rig.sink.lines() == std::vector<std::string>{});
}

TEST_CASE("a version that is too old: the new list is a difference") {
    for (const bool as_event : {true, false}) {
        CAPTURE(as_event);
        const std::string gone = status_json(410, "Expired", "too old resource version: 10 (50)");
        const ScriptedResponse expired =
            as_event ? ScriptedResponse{.pieces = {error_event_json(gone)}, .stays_open = true}
                     : ScriptedResponse{.status = 410, .pieces = {gone}};
        ReflectorRig rig({no_streaming(), list_of(10, {kA, kB}), expired,
                          list_of(50, {kA, service_json("c", 40, "10.0.0.3")}), open_watch({})});
        CHECK(rig.query(3) ==
              "/api/v1/services?resourceVersion=10&resourceVersionMatch=NotOlderThan");
        CHECK(rig.query(4).ends_with("&resourceVersion=50"));
        CHECK(rig.has("a"));
        CHECK(rig.has("b", false));
        CHECK(rig.has("c"));
        // What is unchanged was not applied again, and what vanished went last.
        const auto batches = rig.sink.batches();
        REQUIRE(batches.size() == 3);
        CHECK(batches[1].size() == 1);
        CHECK(full_name_of(batches[1][0].object) == "Service n/c");
        CHECK(batches[2].size() == 1);
        CHECK(batches[2][0].type == Change::Type::Deleted);
    }
}

TEST_CASE("a response that is no list takes nothing away, though lists came before") {
    const std::string gone = status_json(410, "Expired", "too old");
    for (const std::string body :
         {"{}", R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]})", "", "null"}) {
        CAPTURE(body);
        ReflectorRig rig({no_streaming(),
                          list_of(10, {kA, kB}),
                          {.status = 410, .pieces = {gone}},
                          {.pieces = {body}},
                          list_of(20, {kA}),
                          open_watch({})});
        CHECK(rig.has("b", false));  // by the list that came after
        for (const auto& batch : rig.sink.batches()) {
            for (const Change& change : batch) {
                CHECK((change.type == Change::Type::Applied ||
                       full_name_of(change.object) == "Service n/b"));
            }
        }
        CHECK(rig.query(5).ends_with("&resourceVersion=20"));
    }
}

TEST_CASE("a list that breaks off takes nothing away, and what it brought is not forgotten") {
    const std::string whole = list_json(20, {service_json("c", 15, "10.0.0.3"), kA});
    const std::string gone = status_json(410, "Expired", "too old");
    ReflectorRig rig(
        {no_streaming(),
         list_of(10, {kA, kB}),
         {.status = 410, .pieces = {gone}},
         {.pieces = {whole.substr(0, whole.size() - 30)}, .failure = HttpFailure::Kind::Broken},
         {.pieces = {list_json(20, {})}},  // versions are asked for
         no_streaming(),
         {.pieces = {whole}},
         open_watch({})});
    CHECK(rig.query(4) == "/api/v1/services?limit=1");
    CHECK(rig.query(7).ends_with("&resourceVersion=20"));
    CHECK(rig.has("c"));
    CHECK(rig.has("a"));
    CHECK(rig.has("b", false));
}

TEST_CASE("after a lost connection the watch goes on if the server has our versions") {
    ReflectorRig rig(
        {no_streaming(),
         list_of(10, {kA}),
         {.pieces = {event_json("ADDED", kB).substr(0, 20)}, .failure = HttpFailure::Kind::Broken},
         {.failure = HttpFailure::Kind::Connect},
         list_of(30, {}),
         open_watch({event_json("ADDED", service_json("b", 12, "10.0.0.2"))})});
    CHECK(rig.has("b"));
    CHECK(rig.query(4) == "/api/v1/services?limit=1");
    CHECK(rig.query(5).ends_with("&resourceVersion=10"));
    CHECK(rig.has("a"));
    CHECK(rig.sink.wait_line("I the API server answers again"));
}

TEST_CASE("a watch that brought nothing for long goes on elsewhere, which is no fault yet") {
    const ScriptedResponse silence{.failure = HttpFailure::Kind::Silent};
    const ScriptedResponse rest =
        open_watch({event_json("ADDED", service_json("b", 12, "10.0.0.2"))});
    SUBCASE("the server answers") {
        ReflectorRig rig({no_streaming(), list_of(10, {kA}), silence, list_of(30, {}), rest});
        CHECK(rig.has("b"));
        CHECK(rig.query(4).ends_with("&resourceVersion=10"));
        CHECK(rig.sink.lines().empty());
    }
    SUBCASE("it does not") {
        ReflectorRig rig(
            {no_streaming(), list_of(10, {kA}), silence, silence, list_of(30, {}), rest});
        CHECK(rig.has("b"));
        CHECK(rig.sink.wait_line("I the API server answers again"));
        CHECK(rig.sink.lines().size() == 2);
    }
}

TEST_CASE("a restored etcd: lower versions count, once a consistent list has said so") {
    ReflectorRig rig({no_streaming(),
                      list_of(100, {service_json("a", 90, "10.0.0.1"), kB}),
                      {.failure = HttpFailure::Kind::Connect},
                      list_of(40, {}),
                      {.pieces = {list_json(40, {service_json("a", 30, "10.0.0.5")}, "next")}},
                      {.pieces = {list_json(40, {service_json("c", 31, "10.0.0.6")})}},
                      open_watch({event_json("ADDED", service_json("d", 41, "10.0.0.7"))})});
    CHECK(rig.has("d"));
    CHECK(rig.has("b", false));
    CHECK(rig.has("c"));
    CHECK(std::get<Service>(rig.sink.object("Service n/a")).cluster_ips.front() == "10.0.0.5");
    CHECK(rig.query(4) == "/api/v1/services?limit=500");
    CHECK(rig.query(5) == "/api/v1/services?limit=500&continue=next");
    CHECK(rig.query(6).ends_with("&resourceVersion=40"));
    CHECK(rig.sink.wait_line("W services: the API server's versions went back from 100 to 40"));
}

TEST_CASE("a lagging server does not take the view back") {
    const std::string too_large =
        status_json(504, "Timeout", "Too large resource version: 10, current: 4",
                    R"({"causes":[{"reason":"ResourceVersionTooLarge"}],"retryAfterSeconds":0})");
    const std::string gone = status_json(410, "Expired", "too old");
    SUBCASE("it says that it lags") {
        ReflectorRig rig({no_streaming(),
                          list_of(10, {kA, kB}),
                          {.status = 410, .pieces = {gone}},
                          {.status = 504, .pieces = {too_large}},
                          list_of(12, {}),
                          list_of(12, {kA}),
                          open_watch({})});
        CHECK(rig.query(5) == "/api/v1/services?limit=500");
        CHECK(rig.query(6).ends_with("&resourceVersion=12"));
        CHECK(rig.has("b", false));
        CHECK(rig.sink.wait_line("W list services: the API server is behind"));
    }
    SUBCASE("it does not, and lists an older state") {
        ReflectorRig rig({no_streaming(),
                          list_of(10, {kA, kB}),
                          {.status = 410, .pieces = {gone}},
                          list_of(4, {service_json("old", 3, "10.0.0.8")}),
                          list_of(12, {}),
                          list_of(12, {kA, kB}),
                          open_watch({})});
        CHECK(rig.query(6).ends_with("&resourceVersion=12"));
        CHECK_FALSE(rig.sink.has_object("Service n/old"));
        CHECK(rig.has("a"));
    }
}

TEST_CASE("an event that is older than what is known changes nothing") {
    ReflectorRig rig({no_streaming(), list_of(10, {kA}),
                      open_watch({event_json("MODIFIED", service_json("a", 20, "10.0.0.2")),
                                  event_json("MODIFIED", service_json("a", 15, "10.0.0.3")),
                                  event_json("DELETED", service_json("a", 18, "10.0.0.3")),
                                  event_json("ADDED", service_json("z", 21, "10.0.0.4"))})});
    CHECK(rig.has("z"));
    CHECK(std::get<Service>(rig.sink.object("Service n/a")).cluster_ips.front() == "10.0.0.2");
}

TEST_CASE("what the server refuses is told once, with what to mend") {
    const std::string forbidden =
        status_json(403, "Forbidden", "services is forbidden: User x cannot list resource");
    ReflectorRig rig({{.status = 403, .pieces = {forbidden}},
                      {.status = 401, .pieces = {status_json(401, "Unauthorized", "Unauthorized")}},
                      no_streaming(),
                      list_of(10, {kA}),
                      open_watch({})});
    CHECK(rig.sink.wait_line("answers again"));
    CHECK(rig.has("a"));
    const auto lines = rig.sink.lines();
    REQUIRE(lines.size() == 3);
    CHECK(
        lines[0] ==
        "E the API server refuses to watch services (403): the ClusterRole needs verb \"watch\" on "
        "resource \"services\" of API group \"\"; it says: services is forbidden: User x cannot "
        "list resource");
    CHECK(lines[1].starts_with("E the API server does not accept our credentials (401)"));
    CHECK(lines[2] == "I the API server answers again");
}

TEST_CASE("an object that is refused counts as absent") {
    ReflectorRig rig({no_streaming(), list_of(10, {kA, kB}),
                      open_watch({event_json("MODIFIED", service_json("a", 11, "not an address")),
                                  event_json("ADDED", service_json("c", 12, "10.0.0.3"))})});
    CHECK(rig.has("c"));
    CHECK(rig.has("a", false));
    CHECK(rig.sink.wait_line("Service n/a: spec.clusterIP"));
}

TEST_CASE("a relist that is asked for ends the watch and lists what is true") {
    ReflectorRig rig({no_streaming(), list_of(10, {kA}), open_watch({}), list_of(30, {}),
                      list_of(30, {kA, kB}), open_watch({})});
    CHECK(rig.query(2).ends_with("&resourceVersion=10"));
    rig.reflector.ask_for_relist();
    CHECK(rig.has("b"));
    CHECK(rig.query(4) == "/api/v1/services?limit=500");
    CHECK(rig.query(5).ends_with("&resourceVersion=30"));
}

TEST_CASE("a relist that is asked for before the watch is open ends it, too") {
    const std::atomic<bool> give_up{true};
    ScriptedHttp http({open_watch({})});
    RecordingSink sink;
    RequestGate gate{{1000, 1000, 0}};
    StopSignal stop;
    ResourceRequests requests(kServices, {}, http, gate, stop, sink, sink);
    auto ended = std::async(std::launch::async, [&] { return requests.watch(give_up, [] {}); });
    CHECK(ended.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    http.stop();
    CHECK(ended.get().kind == Ending::Kind::Complete);
}

TEST_CASE("a server whose streamed list a relist has cut is asked for one again") {
    std::promise<Reflector*> made;
    const auto asks = [&made] { made.get_future().get()->ask_for_relist(); };
    ReflectorRig rig({{.stays_open = true, .before = asks},
                      list_of(30, {}),
                      list_of(30, {kA}),
                      open_watch({error_event_json(status_json(410, "Expired", "too old"))})});
    made.set_value(&rig.reflector);
    CHECK(rig.has("a"));
    CHECK(rig.query(4).find("&sendInitialEvents=true") != std::string::npos);
}

TEST_CASE("endpoints are read from the version that the API has") {
    const auto group = [](const std::string& versions) {
        return ScriptedResponse{.pieces = {R"({"kind":"APIGroup","versions":[)" + versions + "]}"}};
    };
    const std::string v1 = R"({"groupVersion":"discovery.k8s.io/v1","version":"v1"})";
    const std::string beta = R"({"groupVersion":"discovery.k8s.io/v1beta1","version":"v1beta1"})";
    SUBCASE("the newest") {
        ReflectorRig rig({group(beta + "," + v1)}, kEndpointSlices);
        CHECK(rig.query(1).starts_with("/apis/discovery.k8s.io/v1/endpointslices?"));
    }
    SUBCASE("the beta, and again when it has gone") {
        const std::string none = status_json(404, "NotFound", "not found");
        ReflectorRig rig({group(beta),
                          no_streaming(),
                          list_of(10, {}, "EndpointSlice"),
                          {.status = 404, .pieces = {none}},
                          group(v1),
                          no_streaming()},
                         kEndpointSlices);
        CHECK(rig.query(1).starts_with("/apis/discovery.k8s.io/v1beta1/endpointslices?"));
        CHECK(rig.query(4) == "/apis/discovery.k8s.io");
        CHECK(rig.query(6).starts_with("/apis/discovery.k8s.io/v1/endpointslices?"));
    }
    SUBCASE("Endpoints, where there is no group") {
        ReflectorRig rig({{.status = 404}}, kEndpointSlices);
        CHECK(rig.query(1).starts_with("/api/v1/endpoints?"));
    }
    SUBCASE("one after the other, where discovery is closed") {
        const ScriptedResponse closed{.status = 403};
        const ScriptedResponse none{.status = 404};
        ReflectorRig rig({closed, none, closed, no_streaming(), list_of(10, {}, "EndpointSlice"),
                          open_watch({})},
                         kEndpointSlices);
        CHECK(rig.query(1).starts_with("/apis/discovery.k8s.io/v1/endpointslices?"));
        CHECK(rig.query(4).starts_with("/apis/discovery.k8s.io/v1beta1/endpointslices?"));
    }
    SUBCASE("the one that is in use, while our credentials are refused") {
        ReflectorRig rig({group(beta),
                          no_streaming(),
                          list_of(10, {}, "EndpointSlice"),
                          {.failure = HttpFailure::Kind::Connect},
                          {.status = 401},
                          group(beta),
                          list_of(10, {}, "EndpointSlice"),
                          open_watch({})},
                         kEndpointSlices);
        CHECK(rig.query(7).starts_with("/apis/discovery.k8s.io/v1beta1/endpointslices?"));
        CHECK(rig.query(7).ends_with("&resourceVersion=10"));
        CHECK(rig.sink.lines_with("endpoints are read from") == 1);
    }
}

TEST_CASE("a list of another kind is none, and takes nothing away") {
    const auto expired = status_json(410, "Expired", "too old");
    ReflectorRig rig({no_streaming(),
                      list_of(10, {kA, kB}),
                      {.status = 410, .pieces = {expired}},
                      list_of(20, {}, "Pod"),
                      list_of(30, {kA, kB}),
                      open_watch({})});
    CHECK(rig.reaches(30));
    CHECK(rig.has("a"));
    CHECK(rig.sink.lines_with("PodList in place of a ServiceList") == 1);
    for (const auto& batch : rig.sink.batches()) {
        for (const Change& change : batch) {
            CHECK(change.type == Change::Type::Applied);
        }
    }
}

TEST_CASE("the pace at which requests are tried again, and Retry-After") {
    const RetryPace pace;
    CHECK(pace.connect_shortest == std::chrono::milliseconds(200));
    CHECK(pace.connect_longest == std::chrono::seconds(2));
    CHECK(pace.error_shortest == std::chrono::milliseconds(800));
    CHECK(pace.error_longest == std::chrono::seconds(30));
    const auto start = RecordingSink::Clock::now();
    ReflectorRig rig({{.status = 429, .retry_after = std::chrono::seconds(1)},
                      no_streaming(),
                      list_of(10, {kA}),
                      open_watch({})});
    CHECK(rig.has("a"));
    CHECK(RecordingSink::Clock::now() - start >= std::chrono::seconds(1));
}

#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/decode.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/object_kinds.h"
#include "tests/k8s_client/cut_pieces.h"

using namespace k8s_client;

namespace {

/// Everything that a receiver is told, as lines.
struct Told : ObjectReceiver {
    void take(Object object, std::size_t) override {
        lines.push_back("take " + full_name_of(object) + " " +
                        std::to_string(meta_of(object).resource_version) + " " +
                        meta_of(object).uid);
    }
    void skip(const std::string& message) override { lines.push_back("skip " + message); }
    void pass_over(std::string_view kind) override { lines.push_back("pass " + std::string(kind)); }
    void absent(const ObjectMeta& meta) override { lines.push_back("absent " + meta.name); }
    void begin_list(const ListMeta& meta) override {
        lines.push_back("begin " + std::to_string(meta.resource_version));
    }
    void end_list(const ListMeta& meta) override {
        lines.push_back("end " + std::to_string(meta.resource_version) + " " + meta.continue_token);
    }
    void deleted(const ObjectMeta& meta) override {
        lines.push_back("deleted " + meta.ns + "/" + meta.name + " " +
                        std::to_string(meta.resource_version));
    }
    void bookmark(std::uint64_t version, bool end) override {
        lines.push_back("bookmark " + std::to_string(version) + (end ? " end" : ""));
    }
    void status(const ApiStatus& status) override {
        lines.push_back("status " + std::to_string(status.code) + " " + status.reason + " " +
                        status.message + " " + std::to_string(status.retry_after) +
                        (status.causes.empty() ? "" : " " + status.causes.front()));
    }

    std::vector<std::string> lines;
};

using Lines = std::vector<std::string>;

Lines told(const std::string& text, const FieldNode& root) {
    Told receiver;
    ObjectDecoder decoder(receiver, root);
    CHECK(read_json(text, decoder).has_value());
    return receiver.lines;
}
Lines event(const std::string& text) {
    return told(text, watch_event_node());
}

const std::string kRunningPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n",
    "uid":"u-1","resourceVersion":"42"},"status":{"phase":"Running"}})";

}  // namespace

TEST_CASE("events of a watch") {
    CHECK(event(R"({"type":"ADDED","object":)" + kRunningPod + "}") ==
          Lines{"take Pod n/p 42 u-1"});
    CHECK(event(R"({"object":)" + kRunningPod + R"(,"type":"MODIFIED"})") ==
          Lines{"take Pod n/p 42 u-1"});
    CHECK(event(R"({"type":"DELETED","object":)" + kRunningPod + "}") == Lines{"deleted n/p 42"});
    CHECK(event(R"({"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{
        "resourceVersion":"50","creationTimestamp":null},"spec":{"containers":null}}})") ==
          Lines{"bookmark 50"});
    CHECK(event(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"51","annotations":
        {"k8s.io/initial-events-end":"true"}}}})") == Lines{"bookmark 51 end"});
    CHECK(event(R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},
        "status":"Failure","message":"m","reason":"Expired","code":410}})") ==
          Lines{"status 410 Expired m 0"});
    CHECK(event(R"({"type":"NEW","object":{}})") ==
          Lines{"skip object: type: NEW is not a type of event"});
}

TEST_CASE("a Pod that has ended, or an object that is wrong, is absent") {
    const auto with_phase = [](const std::string& phase) {
        std::string pod = kRunningPod;
        return pod.replace(pod.find("Running"), 7, phase);
    };
    CHECK(event(R"({"type":"MODIFIED","object":)" + with_phase("Succeeded") + "}") ==
          Lines{"absent p"});
    const auto wrong = event(R"({"type":"ADDED","object":{"kind":"Service","apiVersion":"v1",
        "metadata":{"name":"s"},"spec":{"ports":[{"port":0}]}}})");
    REQUIRE(wrong.size() == 2);
    CHECK(wrong[0] ==
          "skip Service s: object.spec.ports[0].port: 0 is not a whole "
          "number from 1 to 65535");
    CHECK(wrong[1] == "absent s");
}

TEST_CASE("a list of the API says its version and where its next page begins") {
    CHECK(told(R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"99",
        "continue":"abc"},"items":[{"metadata":{"name":"p","namespace":"n","resourceVersion":"7"}}]})",
               document_node()) == Lines{"begin 99", "take Pod n/p 7 ", "end 99 abc"});
    CHECK(
        told(
            R"({"items":[],"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"x"}})",
            document_node()) == Lines{"begin 0", "end 0 "});
}

TEST_CASE("a Status says what failed") {
    CHECK(told(R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"Too large",
        "reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"x"}],
        "retryAfterSeconds":1},"code":504})",
               document_node()) == Lines{"status 504 Timeout Too large 1 ResourceVersionTooLarge"});
}

TEST_CASE("an object has a bounded number of elements") {
    std::string labels, endpoints;
    for (std::size_t i = 0; i <= ObjectDecoder::kMaxElements; ++i) {
        labels += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":\"\"";
        endpoints += i == 0 ? "{}" : ",{}";
    }
    const std::string meta = R"("metadata":{"name":"x","namespace":"n")";
    for (const std::string& object :
         {R"({"kind":"Pod","apiVersion":"v1",)" + meta + R"(,"labels":{)" + labels + "}}}",
          R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","addressType":"IPv4",)" +
              meta + R"(},"endpoints":[)" + endpoints + "]}"}) {
        const auto lines = told(object, document_node());
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].ends_with("more than 100000 elements"));
    }
}

TEST_CASE("text that comes in pieces reads as the whole does") {
    const std::string text =
        R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},
        "items":[{"metadata":{"name":"p\u0061q","namespace":"n","resourceVersion":"7"}},
        {"metadata":{"name":"r","namespace":"n","x":[1.5e3,true,null]}}]} )";
    const Lines whole = told(text, document_node());
    CHECK(whole == Lines{"begin 9", "take Pod n/paq 7 ", "take Pod n/r 0 ", "end 9 "});
    for (const std::size_t size : {1UL, 2UL, 3UL, 7UL, 100UL, 1000UL}) {
        CAPTURE(size);
        Told receiver;
        ObjectDecoder decoder(receiver);
        CutPieces pieces(text, size);
        CHECK(read_json(pieces, decoder).has_value());
        CHECK(receiver.lines == whole);
        CutPieces cut_short(std::string_view(text).substr(0, text.size() - 3), size);
        ObjectDecoder again(receiver);
        CHECK_FALSE(read_json(cut_short, again).has_value());
    }
}

TEST_CASE("a value without an end is given up") {
    struct Endless : TextPieces {
        std::string_view next() override {
            given += piece.size();
            return given == piece.size() ? std::string_view("{\"a\":\"") : piece;
        }
        std::string piece = std::string(1 << 16, 'x');
        std::size_t given = 0;
    };
    Told receiver;
    ObjectDecoder decoder(receiver);
    Endless pieces;
    const auto read = read_json(pieces, decoder);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().why == "a value of more than 16 MiB");
    CHECK(pieces.given < kMaxJsonToken + 4 * pieces.piece.size());
}

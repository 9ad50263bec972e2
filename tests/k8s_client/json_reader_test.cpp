#include "k8s_client/json_reader.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/k8s_client/recording_receiver.h"

using namespace k8s_client;

namespace {

std::string pod_json(const std::string& extra) {
    return R"({"apiVersion":"v1","kind":"Pod",)" + extra + R"("metadata":{"name":"a"}})";
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("JSON: documents follow each other") {
    const auto read = from_json(" " + pod_json("") + pod_json("") + "\n" + pod_json("") + " \n");
    CHECK(read.ok);
    CHECK(read.documents == std::vector<std::size_t>{1, 2, 3});
    CHECK(from_json("").ok);
    CHECK(from_json(" \n ").ok);
    CHECK(from_json("null").skipped.empty());
}

TEST_CASE("JSON: an error names its line") {
    const auto read = from_json(pod_json("") + "\n{\n\"a\": x}");
    CHECK_FALSE(read.ok);
    CHECK(read.error.line == 3);
    CHECK(read.error.why == "Invalid value.");
    CHECK(read.objects.size() == 1);
    for (const char* bad : {"{", "[", "{\"a\"}", "{\"a\":1,}", "\"\xff\"", "{} }", "tru",
                            "\"\\ud800\"", "[01]", "-", "{'a':1}", "\"a\nb"}) {
        CAPTURE(bad);
        CHECK_FALSE(from_json(bad).ok);
    }
    CHECK_FALSE(from_json(std::string_view("{}\0{}", 5)).ok);
}

TEST_CASE("JSON: what is not read may be deep and large") {
    CHECK(from_json(pod_json("\"x\":" + nested(500) + ",")).objects.size() == 1);
    const std::string large(3 << 20, 'x');
    const auto read =
        from_json(R"({"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"a":")" + large +
                  R"("},"managedFields":[{"f":{"g":1e308}}],"name":"a"}})");
    CHECK(read.only<Pod>().meta.name == "a");
}

TEST_CASE("JSON: nesting has a limit, and no depth harms") {
    const std::size_t max = ObjectDecoder::kMaxDepth;
    CHECK(from_json(nested(max)).ok);
    CHECK(from_json(nested(max + 1)).error.why == "nested too deeply");
    CHECK(from_json(std::string(1'000'000, '[')).error.why == "nested too deeply");
    std::string objects;
    for (int i = 0; i < 200'000; ++i) {
        objects += "{\"a\":";
    }
    CHECK(from_json(objects).error.why == "nested too deeply");
}

TEST_CASE("JSON: the parser gives up once nothing more is wanted") {
    RecordingReceiver receiver;
    receiver.limit = 2;
    ObjectDecoder decoder(receiver);
    CHECK_FALSE(read_json(pod_json("") + pod_json("") + pod_json(""), decoder));
    CHECK(receiver.objects.size() == 2);
}

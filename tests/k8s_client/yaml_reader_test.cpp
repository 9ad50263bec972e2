#include "k8s_client/yaml_reader.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/k8s_client/recording_receiver.h"

using namespace k8s_client;

namespace {

/// A Service with one line of its own, indented below spec.
RecordingReceiver service_from_yaml(const std::string& spec_line) {
    return from_yaml("apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  " + spec_line +
                     "\n");
}

RecordingReceiver service_with_port(const std::string& value) {
    return service_from_yaml("ports: [{port: " + value + "}]");
}

RecordingReceiver named(const std::string& name) {
    return from_yaml("apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n");
}

}  // namespace

TEST_CASE("YAML: documents are separated by ---") {
    const std::string pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
    const auto read = from_yaml("# nothing\n---\n---\n" + pod + "---\nnull\n---\n" + pod + "...\n");
    CHECK(read.ok);
    CHECK(read.skipped.empty());
    CHECK(read.objects.size() == 2);
    CHECK(read.documents.front() < read.documents.back());
    CHECK(from_yaml("").ok);
    CHECK(from_yaml("# only a comment").skipped.empty());
    CHECK(from_yaml("a: 1\n---\nb").skipped ==
          std::vector<std::string>{"document 1: object: kind: required",
                                   "document 2: object: is a string, not an object"});
}

TEST_CASE("YAML: scalars have the types of the core schema") {
    for (const char* good : {"80", "1", "65535"}) {
        CAPTURE(good);
        CHECK(service_with_port(good).objects.size() == 1);
    }
    for (const char* number : {"0", "65536", "-1", "+80", "80.0", "8e1", "0x50", "0o120", ".5",
                               "5.", "99999999999999999999", ".inf", "-.INF", ".nan", "1E+2"}) {
        CAPTURE(number);
        REQUIRE(service_with_port(number).skipped.size() == 1);
        CHECK(service_with_port(number).skipped.front() ==
              "document 1: Service a: spec.ports[0].port: " + std::string(number) +
                  " is not a whole number from 1 to 65535");
    }
    for (const char* text : {"'80'", "\"80\"", "!!str 80", "http", "1.2.3", "0x", "1e", "8_0",
                             "0b1", "+", ".", "e5", "0o8", "! 80"}) {
        CAPTURE(text);
        REQUIRE(service_with_port(text).skipped.size() == 1);
        CHECK(service_with_port(text).skipped.front().find("is a string, not") !=
              std::string::npos);
    }
    CHECK(service_with_port("!!int '80'").objects.size() == 1);
    CHECK(service_with_port("true").skipped.front().find("is true or false, not") !=
          std::string::npos);
}

TEST_CASE("YAML: a name must be a string") {
    for (const char* bad : {"123", "1.5", "0x1f", "true", "False", "TRUE", ".nan", "1e3"}) {
        CAPTURE(bad);
        REQUIRE(named(bad).skipped.size() == 1);
        CHECK(named(bad).skipped.front().find("metadata.name: is ") != std::string::npos);
    }
    for (const char* absent : {"null", "~", "Null", "NULL", ""}) {
        CAPTURE(absent);
        REQUIRE(named(absent).skipped.size() == 1);
        CHECK(named(absent).skipped.front().find("metadata.name: required") != std::string::npos);
    }
    for (const char* good : {"'123'", "\"true\"", "'null'", "yes", "off", "1.2.3.4", "!!str 5"}) {
        CAPTURE(good);
        CHECK(named(good).objects.size() == 1);
    }
}

TEST_CASE("YAML: booleans") {
    for (const char* yes : {"true", "True", "TRUE", "!!bool 'true'"}) {
        CHECK(service_from_yaml("publishNotReadyAddresses: " + std::string(yes))
                  .only<Service>()
                  .publish_not_ready_addresses);
    }
    for (const char* no : {"false", "False", "FALSE", "~"}) {
        CHECK_FALSE(service_from_yaml("publishNotReadyAddresses: " + std::string(no))
                        .only<Service>()
                        .publish_not_ready_addresses);
    }
    for (const char* bad : {"'true'", "yes", "1", "tRUE"}) {
        CHECK(service_from_yaml("publishNotReadyAddresses: " + std::string(bad)).objects.empty());
    }
}

TEST_CASE("YAML: an alias spoils its object and no other") {
    const auto read = from_yaml(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: &n a}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: &m {name: a}\nspec: &s {clusterIP: None}\n---\n"
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Pod, metadata: &k {name: x}}\n"
        "- {apiVersion: v1, kind: Pod, metadata: *k}\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: y}}\n"
        "- {apiVersion: v1, kind: Pod, <<: *k}\n"
        "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: y, labels: *k}}\n");
    CHECK(read.ok);
    CHECK(read.objects.size() == 4);
    REQUIRE(read.skipped.size() == 2);
    CHECK(read.skipped.front() == "document 3: Pod: line 14: aliases of YAML are not followed");
    CHECK(read.passed_over.at("Deployment") == 1);
}

TEST_CASE("YAML: an alias bomb costs nothing") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 30; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int k = 0; k < 8; ++k) {
            bomb += ", " + before;
        }
        bomb += "]\n";
    }
    const auto read = from_yaml(bomb);
    CHECK(read.ok);
    CHECK(read.objects.empty());
}

TEST_CASE("YAML: an error names its line") {
    const auto read = from_yaml("a: 1\nb: 2\nc: [1, 2\nd: 3\n");
    CHECK_FALSE(read.ok);
    CHECK(read.error.line >= 3);
    CHECK_FALSE(read.error.why.empty());
    for (const char* bad :
         {"a: b: c", "{a", "\"x", "a: *b", "? [a]\n: b", "? {a: b}\n: c", "a: 'x"}) {
        CAPTURE(bad);
        CHECK_FALSE(from_yaml(bad).ok);
    }
    const auto not_utf8 = from_yaml("a: 1\nb: \xff\n");
    CHECK(not_utf8.error.line == 2);
    CHECK(not_utf8.error.why == "not UTF-8");
}

TEST_CASE("YAML: what begins nothing is an error, not an endless row of empty documents") {
    for (const char* bad :
         {",", "]", "}", "a: 1\n---\n, b", ",kin[[[a:\n N: N:\n N: N| b\n.\n---\n"}) {
        CAPTURE(bad);
        CHECK_FALSE(from_yaml(bad).ok);
    }
    CHECK(from_yaml("---\n---\n...\n---\n").ok);
    CHECK(from_yaml("").ok);
    CHECK(from_yaml("# nothing\n").ok);
}

TEST_CASE("YAML: nesting has a limit") {
    const auto nested = [](std::size_t depth) {
        return "x: " + std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(from_yaml(nested(400)).ok);
    CHECK(from_yaml(nested(600)).error.why == "nested too deeply");
    std::string indented = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nx:\n";
    for (std::size_t i = 1; i < 200; ++i) {
        indented += std::string(i, ' ') + "k:\n";
    }
    CHECK(from_yaml(indented).only<Pod>().meta.name == "a");
    CHECK_FALSE(from_yaml(std::string(100'000, '[')).ok);
}

TEST_CASE("YAML: what is kept until a value ends has a limit") {
    constexpr const char* kWhy =
        "more than 4 MiB of one value, or of one {...} or [...]; JSON may be longer, in a file "
        "*.json";
    const std::string head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n";
    const std::string large(kMaxYamlValue + (std::size_t{1} << 20), 'x');
    std::string commas(kMaxYamlValue + (std::size_t{1} << 20), ',');
    for (const std::string& bad : {"a: " + large, "a: \"" + large + "\"", "a: |\n  " + large,
                                   "[" + commas, std::string(large.size(), '[')}) {
        CAPTURE(bad.substr(0, 10));
        const auto read = from_yaml(head + bad);
        CHECK_FALSE(read.ok);
        CHECK(read.error.why == kWhy);
        CHECK(read.error.line <= 6);
    }
    std::string many;  // what has ended is no part of what follows
    while (many.size() < 2 * large.size()) {
        many += "- {a: [1, 2], b: " + std::string(2000, 'y') + "}\n";
    }
    CHECK(from_yaml(head + "x:\n" + many).ok);
    CHECK(from_yaml(head + "a: " + large.substr(0, kMaxYamlValue - 200'000)).ok);
}

TEST_CASE("YAML: a key may be any scalar") {
    CHECK(from_yaml(
              "apiVersion: v1\nkind: Pod\n80: x\n~: y\n'q': [1]\n\"r\": {}\nmetadata: {name: a}\n")
              .only<Pod>()
              .meta.name == "a");
}

// An ObjectReceiver that keeps all it is told, and the two readers in one call each.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/decode.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/yaml_reader.h"

namespace k8s_client {

struct RecordingReceiver : ObjectReceiver {
    void take(Object object, std::size_t document) override {
        objects.push_back(std::move(object));
        documents.push_back(document);
    }
    void skip(const std::string& message) override { skipped.push_back(message); }
    void pass_over(std::string_view kind) override { ++passed_over[std::string(kind)]; }
    bool wants_more() const override { return objects.size() < limit; }

    template <typename Kind>
    const Kind& only() const {
        REQUIRE(skipped == std::vector<std::string>{});
        REQUIRE(objects.size() == 1);
        REQUIRE(std::holds_alternative<Kind>(objects.front()));
        return std::get<Kind>(objects.front());
    }

    std::vector<Object> objects;
    std::vector<std::size_t> documents;
    std::vector<std::string> skipped;
    std::map<std::string, std::size_t> passed_over;
    std::size_t limit = static_cast<std::size_t>(-1);
    SyntaxError error;
    bool ok = false;
};

using Read = tl::expected<void, SyntaxError> (*)(std::string_view, ObjectDecoder&);

inline RecordingReceiver read_all(Read read, std::string_view text) {
    RecordingReceiver receiver;
    ObjectDecoder decoder(receiver);
    const auto result = read(text, decoder);
    receiver.ok = result.has_value();
    if (!result) {
        receiver.error = result.error();
    }
    return receiver;
}

inline RecordingReceiver from_json(std::string_view text) {
    return read_all(read_json, text);
}
inline RecordingReceiver from_yaml(std::string_view text) {
    return read_all(read_yaml, text);
}

}  // namespace k8s_client

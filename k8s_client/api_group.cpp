#include "k8s_client/api_group.h"

#include <rapidjson/document.h>

namespace k8s_client {
namespace {

/// Null if there is none; so it is where `value` is no object, as after an error of the parser.
const rapidjson::Value* member(const rapidjson::Value& value, const char* name) {
    if (!value.IsObject()) {
        return nullptr;
    }
    const rapidjson::Value::ConstMemberIterator found = value.FindMember(name);
    return found != value.MemberEnd() ? &found->value : nullptr;
}

}  // namespace

Ending get_api_group(HttpGet& http, std::string_view name, ApiGroup& group, Heartbeat& heartbeat) {
    HttpRequest request;
    request.target = "/apis/" + std::string(name);
    std::string text;
    Ending ending = get_text(http, request, text, heartbeat);
    if (ending.kind != Ending::Kind::Complete) {
        return ending;
    }
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    const rapidjson::Value* const versions = member(document, "versions");
    if (versions == nullptr || !versions->IsArray()) {
        return {Ending::Kind::Malformed, 0, "the response is no APIGroup", {}};
    }
    for (const rapidjson::Value& entry : versions->GetArray()) {
        const rapidjson::Value* const version = member(entry, "version");
        if (version != nullptr && version->IsString()) {
            group.versions.emplace_back(version->GetString());
        }
    }
    return {};
}

}  // namespace k8s_client

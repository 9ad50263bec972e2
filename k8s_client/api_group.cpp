#include "k8s_client/api_group.h"

#include <rapidjson/document.h>

namespace k8s_client {

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
    if (document.HasParseError() || !document.IsObject() || !document.HasMember("versions") ||
        !document["versions"].IsArray()) {
        return {Ending::Kind::Malformed, 0, "the response is no APIGroup", {}};
    }
    for (const auto& version : document["versions"].GetArray()) {
        if (version.IsObject() && version.HasMember("version") && version["version"].IsString()) {
            group.versions.emplace_back(version["version"].GetString());
        }
    }
    return {};
}

}  // namespace k8s_client

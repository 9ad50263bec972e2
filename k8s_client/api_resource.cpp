#include "k8s_client/api_resource.h"

#include <variant>

#include "k8s_client/objects.h"
#include "k8s_client/percent_encoding.h"

namespace k8s_client {
namespace {

template <typename Kind, std::size_t Index = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<std::variant_alternative_t<Index, Object>, Kind>) {
        return Index;
    } else {
        return index_of<Kind, Index + 1>();
    }
}

std::string target(std::string_view path, const Selection& selection,
                   const std::string& parameters) {
    std::string out(path);
    out += '?' + parameters;
    if (!selection.labels.empty()) {
        out += "&labelSelector=" + percent_encoded(selection.labels);
    }
    if (!selection.fields.empty()) {
        out += "&fieldSelector=" + percent_encoded(selection.fields);
    }
    return out;
}

std::string watch_parameters(std::chrono::seconds timeout) {
    return "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(timeout.count());
}

}  // namespace

const ApiResource kNamespaces = {"/api/v1/namespaces", "", "namespaces", index_of<Namespace>()};
const ApiResource kServices = {"/api/v1/services", "", "services", index_of<Service>()};
const ApiResource kPods = {"/api/v1/pods", "", "pods", index_of<Pod>()};
const ApiResource kEndpointSlices = {"/apis/discovery.k8s.io/v1/endpointslices", "discovery.k8s.io",
                                     "endpointslices", index_of<EndpointSlice>()};
const ApiResource kEndpointSlicesBeta = {"/apis/discovery.k8s.io/v1beta1/endpointslices",
                                         "discovery.k8s.io", "endpointslices",
                                         index_of<EndpointSlice>()};
const ApiResource kEndpoints = {"/api/v1/endpoints", "", "endpoints", index_of<Endpoints>()};

std::string list_target(const ApiResource& resource, const Selection& selection) {
    return target(resource.path, selection, "resourceVersion=0");
}

std::string list_target_since(const ApiResource& resource, const Selection& selection,
                              std::uint64_t version) {
    return target(
        resource.path, selection,
        "resourceVersion=" + std::to_string(version) + "&resourceVersionMatch=NotOlderThan");
}

std::string page_target(const ApiResource& resource, const Selection& selection, unsigned limit,
                        std::string_view continue_token) {
    std::string parameters = "limit=" + std::to_string(limit);
    if (!continue_token.empty()) {
        parameters += "&continue=" + percent_encoded(continue_token);
    }
    return target(resource.path, selection, parameters);
}

std::string namespaced_target(const ApiResource& resource, std::string_view ns,
                              const Selection& selection, unsigned limit) {
    std::string path(resource.path);
    if (!ns.empty()) {
        path.insert(path.size() - resource.plural.size(),
                    "namespaces/" + percent_encoded(ns) + "/");
    }
    return target(path, selection, "limit=" + std::to_string(limit));
}

std::string watch_target(const ApiResource& resource, const Selection& selection,
                         std::uint64_t version, std::chrono::seconds timeout) {
    return target(resource.path, selection,
                  watch_parameters(timeout) + "&resourceVersion=" + std::to_string(version));
}

std::string streaming_list_target(const ApiResource& resource, const Selection& selection,
                                  std::uint64_t version, std::chrono::seconds timeout) {
    std::string parameters =
        watch_parameters(timeout) + "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    if (version != 0) {
        parameters += "&resourceVersion=" + std::to_string(version);
    }
    return target(resource.path, selection, parameters);
}

}  // namespace k8s_client

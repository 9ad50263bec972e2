#include "k8s_client/api_resource.h"

#include <variant>

#include "k8s_client/objects.h"

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

/// RFC 3986 §2.1: all but what is unreserved.
std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kUnreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (kUnreserved.find(c) != std::string_view::npos) {
            out += c;
        } else {
            const auto octet = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[octet >> 4];
            out += kHex[octet & 0xF];
        }
    }
    return out;
}

std::string target(const ApiResource& resource, const Selection& selection,
                   const std::string& parameters) {
    std::string out(resource.path);
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
    return target(resource, selection, "resourceVersion=0");
}

std::string list_target_since(const ApiResource& resource, const Selection& selection,
                              std::uint64_t version) {
    return target(
        resource, selection,
        "resourceVersion=" + std::to_string(version) + "&resourceVersionMatch=NotOlderThan");
}

std::string page_target(const ApiResource& resource, const Selection& selection, unsigned limit,
                        std::string_view continue_token) {
    std::string parameters = "limit=" + std::to_string(limit);
    if (!continue_token.empty()) {
        parameters += "&continue=" + percent_encoded(continue_token);
    }
    return target(resource, selection, parameters);
}

std::string watch_target(const ApiResource& resource, const Selection& selection,
                         std::uint64_t version, std::chrono::seconds timeout) {
    return target(resource, selection,
                  watch_parameters(timeout) + "&resourceVersion=" + std::to_string(version));
}

std::string streaming_list_target(const ApiResource& resource, const Selection& selection,
                                  std::uint64_t version, std::chrono::seconds timeout) {
    std::string parameters =
        watch_parameters(timeout) + "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    if (version != 0) {
        parameters += "&resourceVersion=" + std::to_string(version);
    }
    return target(resource, selection, parameters);
}

}  // namespace k8s_client

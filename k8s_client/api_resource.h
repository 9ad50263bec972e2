// What is asked of the API, and the paths that ask for it.
// Knows resources, versions and query parameters
// (https://kubernetes.io/docs/reference/using-api/api-concepts/); knows no connections. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace k8s_client {

struct ApiResource {
    std::string_view path;    // `/api/v1/services`
    std::string_view group;   // as RBAC rules name it; the core group is empty
    std::string_view plural;  // `services`
    std::size_t kind;         // of its objects: index of the variant Object
    bool operator==(const ApiResource&) const = default;
};

extern const ApiResource kNamespaces;
extern const ApiResource kServices;
extern const ApiResource kPods;
extern const ApiResource kEndpointSlices;      // discovery.k8s.io/v1, Kubernetes 1.21 and later
extern const ApiResource kEndpointSlicesBeta;  // discovery.k8s.io/v1beta1, 1.17 to 1.24
extern const ApiResource kEndpoints;           // core, where there is no discovery.k8s.io

/// Which objects of a resource, as the server is to select them. Empty: all.
struct Selection {
    std::string labels;  // label selector
    std::string fields;  // field selector
};

/// From the server's memory, of any age.
std::string list_target(const ApiResource& resource, const Selection& selection);
/// From the server's memory, but not older than `version`.
std::string list_target_since(const ApiResource& resource, const Selection& selection,
                              std::uint64_t version);
inline constexpr unsigned kPageSize = 500;  // objects, as client-go asks for

/// What is true now, `limit` objects at a time; `continue_token` as the page before gave it.
std::string page_target(const ApiResource& resource, const Selection& selection, unsigned limit,
                        std::string_view continue_token);
/// The same of one namespace, the first page; empty: of all.
std::string namespaced_target(const ApiResource& resource, std::string_view ns,
                              const Selection& selection, unsigned limit);
std::string watch_target(const ApiResource& resource, const Selection& selection,
                         std::uint64_t version, std::chrono::seconds timeout);
/// A watch that begins with all objects, not older than `version`; 0: what is true now.
std::string streaming_list_target(const ApiResource& resource, const Selection& selection,
                                  std::uint64_t version, std::chrono::seconds timeout);

}  // namespace k8s_client

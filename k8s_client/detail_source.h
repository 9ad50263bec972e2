// Who knows details of Services and pods when they are asked for: an API server
// (api_details.h), or manifests (manifest_details.h).
// An interface. Calls may block for seconds, so no worker makes them; one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "k8s_client/service_detail.h"

namespace k8s_client {

/// What could be found out of one Service, and what could not.
struct ServiceView {
    bool known = false;                    // false: nobody could be asked; the rest says nothing
    std::optional<ServiceDetail> service;  // none: it does not exist
    bool slices_known = false;
    std::vector<SliceDetail> slices;
    bool pods_known = false;
    std::vector<PodDetail> pods;  // those that the selector selects
    /// If it selects none: pods of the namespace, some of them.
    std::vector<PodDetail> other_pods;
    std::vector<std::string> problems;  // one line each: what could not be asked, and why
};

class DetailSource {
  public:
    virtual ~DetailSource() = default;
    virtual ServiceView look_at(std::string_view ns, std::string_view service) = 0;
    /// The pod with that address; the error is one line.
    virtual tl::expected<std::optional<PodDetail>, std::string> pod_at(std::string_view ip) = 0;
};

}  // namespace k8s_client

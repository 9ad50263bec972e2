// Which versions of an API group a server has.
// Knows the discovery document of one group (metav1.APIGroup); keeps nothing.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/api_response.h"

namespace k8s_client {

struct ApiGroup {
    std::vector<std::string> versions;  // `v1`, `v1beta1`
    bool has(std::string_view version) const {
        return std::find(versions.begin(), versions.end(), version) != versions.end();
    }
};

/// GET /apis/GROUP. https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
Ending get_api_group(HttpGet& http, std::string_view name, ApiGroup& group, Heartbeat& heartbeat);

}  // namespace k8s_client

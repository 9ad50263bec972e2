// Explains what the server answers for a name, and why.
// Knows the running configuration, asks a pipeline like the workers' (cold_pipeline.h) and, for
// what the server does not keep, the source of its objects; waits for both. On a cold thread only,
// never on a worker; several may explain at once. Changes nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "k8s_client/detail_source.h"
#include "server/config.h"
#include "server/explanation.h"
#include "server/routing.h"

namespace server {

/// Who knows details of that cluster; throws ConfigError where access is not there.
using OpenDetails =
    std::function<std::unique_ptr<k8s_client::DetailSource>(const KubernetesConfig&)>;

/// The manifests of the configuration, else its API server.
std::unique_ptr<k8s_client::DetailSource> open_details(const KubernetesConfig& config);

/// `running` is made of `config`. Takes 20 s at most. The error is one line for who asked: what is
/// wrong with the request, or why nothing can be said.
tl::expected<Explanation, std::string> explain(const ExplainRequest& request, const Config& config,
                                               const Routing& running,
                                               const OpenDetails& details = open_details);

}  // namespace server

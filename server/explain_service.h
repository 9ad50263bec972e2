// A Service as an explanation shows it: from the object, else from what the server keeps of it.
// Knows why an endpoint is in the Service's names or not; asks nobody. Free functions; any thread.
#pragma once

#include "server/explain_evidence.h"
#include "server/explanation.h"

namespace server {

ExplainedService explain_service(const ServiceEvidence& service,
                                 const zones::ClusterOptions& options);

}  // namespace server

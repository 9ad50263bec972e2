#include "server/name_likelihood.h"

#include <algorithm>

#include "server/near_spelling.h"

namespace server {
namespace {

/// <service>.<ns> right below the zone: `svc` is missing.
bool lacks_svc(const ClusterName& name, const zones::Snapshot& snapshot) {
    const std::size_t size = name.front.size();
    return size >= 2 && find_service(snapshot, name.front[size - 2], name.front.back()) != nullptr;
}

}  // namespace

unsigned likelihood_of(const ClusterName& name, bool nodata, const zones::Snapshot& snapshot) {
    if (name.below != ClusterName::Below::Service) {
        const bool pod = name.below == ClusterName::Below::Pod;
        return nodata ? 45 : pod ? 40 : lacks_svc(name, snapshot) ? 55 : 5;
    }
    const auto front = static_cast<unsigned>(std::min<std::size_t>(name.front.size(), 2));
    if (find_service(snapshot, name.service, name.ns) != nullptr) {
        return 80 - front;
    }
    const bool elsewhere = !namespaces_with(snapshot, name.service).empty();
    if (!snapshot.namespace_exposed(name.ns)) {
        return (elsewhere ? 70 : 20) - front;
    }
    const bool near = !near_spellings(name.service, services_in(snapshot, name.ns)).empty();
    return (near ? 65 : elsewhere ? 60 : 30) - 4 * front;
}

}  // namespace server

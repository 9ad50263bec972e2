// From a snapshot back to objects that make the same answers, to be kept and read at a later start.
// Knows how records were made of objects (record_builder.h) and undoes it as far as answers go:
// what did not count (endpoints that are not ready, the labels of objects, what a Pod is called) is
// gone. Knows no format and no files. Pure; any thread, for a snapshot is immutable.
#pragma once

#include <functional>

#include "k8s_client/objects.h"
#include "zones/snapshot.h"

namespace zones {

/// The object is the visitor's only during the call.
using ObjectVisitor = std::function<void(const k8s_client::Object&)>;

/// First the Namespaces, then each Service with its EndpointSlices, last the Pods. All of them pass
/// check_object.h if the objects did that the snapshot was made of. They are to be applied to a
/// store of the same ClusterOptions.
void visit_objects(const Snapshot& snapshot, const ObjectVisitor& visit);

}  // namespace zones

// An object as JSON text, as the API server would give it.
// Knows the fields of objects.h and nothing else of an object; decode.h reads it back. Free of
// state and threads.
#pragma once

#include <string>

#include "k8s_client/objects.h"

namespace k8s_client {

/// Appends one line without its end. Read again, a checked object (check_object.h) is equal; but of
/// the endpoints in a subset of an Endpoints object the ready ones come first.
void append_json(const Object& object, std::string& out);

}  // namespace k8s_client

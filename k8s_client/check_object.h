// From a raw object to a checked one: what the Kubernetes API would not have stored, or what DNS
// cannot say, does not pass. Knows the kinds that are kept and the rules of their fields; knows no
// input format. Free of state and threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "k8s_client/objects.h"
#include "k8s_client/raw_object.h"

namespace k8s_client {

/// The object; nothing, if it counts as absent (a Pod that has ended); or `field: why`.
using CheckedObject = tl::expected<std::optional<Object>, std::string>;

struct KeptKind {
    std::string_view api_version;
    std::string_view kind;
    Section section;
    CheckedObject (*make)(RawObject& raw);
};

/// Null for a kind that is not kept. The pair decides: a Service of serving.knative.dev is another.
const KeptKind* find_kept_kind(std::string_view api_version, std::string_view kind);

/// Takes what it needs out of `raw`; what is wrong keeps its kind, metadata and path.
/// Fields of the wrong type come first, then what `kept.make` finds.
CheckedObject check_object(const KeptKind& kept, RawObject& raw);

}  // namespace k8s_client

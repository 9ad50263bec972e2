// What objects are called, in messages. Free of state and threads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "k8s_client/objects.h"

namespace k8s_client {

inline constexpr std::size_t kKindCount = std::variant_size_v<Object>;

/// Of the kind of a list: ServiceList.
inline constexpr std::string_view kListSuffix = "List";

/// `index` as of the variant Object.
std::string_view kind_name(std::size_t index);

/// `Service default/kubia`
std::string full_name_of(const Object& object);

/// `1 Service`, `2 Services`, `3 Endpoints`
std::string count_of(std::size_t count, std::string_view kind);

/// The API server sets this label on every Namespace; a manifest need not have it.
void set_name_label(Namespace& ns);

}  // namespace k8s_client

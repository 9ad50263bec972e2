#include "k8s_client/object_kinds.h"

#include <algorithm>
#include <array>

namespace k8s_client {

std::string_view kind_name(std::size_t index) {
    constexpr std::array<std::string_view, kKindCount> kNames = {
        "Namespace", "Service", "EndpointSlice", "Endpoints", "Pod"};
    return kNames.at(index);
}

std::string full_name_of(const Object& object) {
    const ObjectMeta& meta = meta_of(object);
    return std::string(kind_name(object.index())) + " " + (meta.ns.empty() ? "" : meta.ns + "/") +
           meta.name;
}

std::string count_of(std::size_t count, std::string_view kind) {
    std::string plural(kind);
    if (count == 1 || kind == "Endpoints") {
        // as it is
    } else if (kind.ends_with('s')) {
        plural += "es";
    } else if (kind.ends_with("cy") || kind.ends_with("ry")) {
        plural.replace(plural.size() - 1, 1, "ies");
    } else {
        plural += 's';
    }
    return std::to_string(count) + " " + plural;
}

void set_name_label(Namespace& ns) {
    constexpr std::string_view kKey = "kubernetes.io/metadata.name";
    Labels& labels = ns.meta.labels;
    const auto at =
        std::lower_bound(labels.begin(), labels.end(), kKey,
                         [](const auto& label, std::string_view key) { return label.first < key; });
    if (at == labels.end() || at->first != kKey) {
        labels.emplace(at, kKey, ns.meta.name);
    }
}

}  // namespace k8s_client

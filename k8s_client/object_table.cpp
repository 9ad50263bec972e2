#include "k8s_client/object_table.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <variant>

#include "k8s_client/object_kinds.h"

namespace k8s_client {
namespace {

constexpr std::size_t kNamespaceIndex = 0;
static_assert(std::is_same_v<std::variant_alternative_t<kNamespaceIndex, Object>, Namespace>);

}  // namespace

ObjectTable::ObjectTable(LabelSelector labels, LabelSelector namespace_labels)
    : labels_(std::move(labels)), namespace_labels_(std::move(namespace_labels)) {}

ObjectTable::Difference ObjectTable::replace(std::vector<NamedContent> files) {
    Difference difference;
    std::vector<std::string> duplicates;
    const Origins given = merge(files, duplicates);
    std::deque<Object> implied = implied_namespaces(given);
    Objects objects = select(given, implied);
    for (const auto& [key, object] : objects) {
        const auto old = objects_.find(key);
        if (old == objects_.end() || (old->second != object && *old->second != *object)) {
            difference.changes.push_back({Change::Type::Applied, *object});
        }
    }
    for (const auto& [key, object] : objects_) {
        if (!objects.contains(key)) {
            difference.changes.push_back({Change::Type::Deleted, tombstone(*object)});
        }
    }
    std::sort(duplicates.begin(), duplicates.end());
    std::set_difference(duplicates.begin(), duplicates.end(), duplicates_.begin(),
                        duplicates_.end(), std::back_inserter(difference.duplicates));
    duplicates_ = std::move(duplicates);
    // The old objects go last: objects_ points into files_ and implied_.
    objects_ = std::move(objects);
    implied_ = std::move(implied);
    files_ = std::move(files);
    return difference;
}

ObjectTable::Key ObjectTable::key_of(const Object& object) {
    const ObjectMeta& meta = meta_of(object);
    return {object.index(), meta.ns, meta.name};
}

ObjectTable::Origins ObjectTable::merge(const std::vector<NamedContent>& files,
                                        std::vector<std::string>& duplicates) {
    Origins origins;
    const auto place = [&files](const Origin& origin) {
        return files[origin.file].name + " document " + std::to_string(origin.document);
    };
    for (std::size_t i = 0; i < files.size(); ++i) {
        for (const ManifestObject& found : files[i].content->objects) {
            const Origin origin{&found.object, i, found.document};
            const auto [at, is_new] = origins.try_emplace(key_of(found.object), origin);
            if (!is_new) {
                duplicates.push_back(full_name_of(found.object) + " is given twice, in " +
                                     place(at->second) + " and in " + place(origin) +
                                     ": the latter counts");
                at->second = origin;
            }
        }
    }
    return origins;
}

/// Without any Namespace object, a namespace exists by what lives in it.
std::deque<Object> ObjectTable::implied_namespaces(const Origins& given) {
    std::deque<Object> implied;
    if (!given.empty() && std::get<0>(given.begin()->first) == kNamespaceIndex) {
        return implied;
    }
    std::set<std::string_view> names;
    for (const auto& entry : given) {
        names.insert(std::get<1>(entry.first));
    }
    for (const std::string_view name : names) {
        Namespace ns;
        ns.meta.name = name;
        set_name_label(ns);
        implied.emplace_back(std::move(ns));
    }
    return implied;
}

ObjectTable::Objects ObjectTable::select(const Origins& given,
                                         const std::deque<Object>& implied) const {
    Objects objects;
    const auto add = [&](const Key& key, const Object& object) {
        const bool is_namespace = std::get<0>(key) == kNamespaceIndex;
        const LabelSelector& selector = is_namespace ? namespace_labels_ : labels_;
        if (selector.matches(meta_of(object).labels)) {
            objects.emplace_hint(objects.end(), key, &object);
        }
    };
    for (const Object& object : implied) {
        add(key_of(object), object);
    }
    for (const auto& [key, origin] : given) {
        add(key_of(*origin.object), *origin.object);
    }
    return objects;
}

}  // namespace k8s_client

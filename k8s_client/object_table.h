// Which objects exist, given the manifests there are, and what changes when the manifests do.
// Knows the rules between files: the last of two wins, a Namespace may be implied, selectors. Knows
// no files. One thread at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "k8s_client/label_selector.h"
#include "k8s_client/manifest_file.h"
#include "k8s_client/objects.h"

namespace k8s_client {

/// The content of a file, by the name that messages give it.
struct NamedContent {
    std::string name;
    std::shared_ptr<const ManifestContent> content;
};

class ObjectTable {
  public:
    ObjectTable(LabelSelector labels, LabelSelector namespace_labels);

    struct Difference {
        std::vector<Change> changes;          // applied ones first, Namespaces before all others
        std::vector<std::string> duplicates;  // a message for each that was not there before
    };

    /// From now on the objects are those of `files`, the later before the earlier.
    Difference replace(std::vector<NamedContent> files);

  private:
    /// Kind (index into Object), namespace, name: borrowed from the object.
    using Key = std::tuple<std::size_t, std::string_view, std::string_view>;
    struct Origin {
        const Object* object;
        std::size_t file;
        std::size_t document;
    };
    using Origins = std::map<Key, Origin>;
    using Objects = std::map<Key, const Object*>;

    static Key key_of(const Object& object);
    static Origins merge(const std::vector<NamedContent>& files,
                         std::vector<std::string>& duplicates);
    static std::deque<Object> implied_namespaces(const Origins& given);
    Objects select(const Origins& given, const std::deque<Object>& implied) const;

    LabelSelector labels_;
    LabelSelector namespace_labels_;
    std::vector<NamedContent> files_;  // own, with implied_, what objects_ points to
    std::deque<Object> implied_;
    Objects objects_;
    std::vector<std::string> duplicates_;
};

}  // namespace k8s_client

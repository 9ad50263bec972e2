// The standard library's hash table, for names that somebody outside chooses: std::hash has no key,
// so that whoever may make objects could make ten thousand whose names collide. Knows zones/hash.h.
// A type; whoever has one decides about threads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "zones/hash.h"

namespace zones {

struct KeyedHash {
    HashKey key;
    std::size_t operator()(std::string_view octets) const noexcept {
        return static_cast<std::size_t>(keyed_hash(key, octets));
    }
};

/// Made as `KeyedTable<T> table(0, KeyedHash{key})`.
template <typename T>
using KeyedTable = std::unordered_map<std::string, T, KeyedHash>;

}  // namespace zones

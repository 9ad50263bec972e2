// Which fields of a document are read, and where each is put, as a tree: all others are passed
// over. Knows the shape of the kinds of the API that are kept, and of the lists they come in; no
// syntax. Constant; any thread may read it. What is written to belongs to the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/raw_object.h"

namespace k8s_client {

/// Where in a raw object the events are.
struct RawCursor {
    RawObject* object = nullptr;
    std::vector<EndpointPort>* ports = nullptr;  // the list being read, in `object`
    std::vector<Endpoint>* endpoints = nullptr;
    std::string key;  // the last key, where any may stand
};

enum class Shape : std::uint8_t { Map, List, String, Boolean, Port, Integer };
enum class Role : std::uint8_t { Plain, Document, Items, Item, Event };

struct FieldNode {
    std::string_view key;  // empty: any key, or the element of a list
    Shape shape = Shape::Map;
    std::span<const FieldNode> children = {};  // a list has one: its element
    Section section = Section::Common;         // set on the fields of an object itself
    Role role = Role::Plain;
    /// Makes room when a map or list begins; may be null.
    void (*begin)(RawCursor&) = nullptr;
    /// Where a value goes: the one that `shape` says is set.
    std::string& (*text)(RawCursor&) = nullptr;
    bool& (*boolean)(RawCursor&) = nullptr;
    std::optional<std::uint16_t>& (*port)(RawCursor&) = nullptr;
    std::int64_t& (*integer)(RawCursor&) = nullptr;
};

/// The root of a document: an object, or a list of them.
const FieldNode& document_node();

/// The root of a line of a watch: `{"type": ..., "object": ...}` (metav1.WatchEvent).
const FieldNode& watch_event_node();

/// Null if the field is not read.
const FieldNode* find_child(const FieldNode& object, std::string_view key);

}  // namespace k8s_client

// YAML text to the events of an ObjectDecoder or a ValueReader.
// Knows YAML (yaml-cpp, as events: nothing is built) and its core schema; knows nothing of the
// objects. Aliases are not followed: they spoil the object they stand in. Borrows text and decoder
// for the call; free of threads.
#pragma once

#include <cstddef>
#include <string_view>

#include <tl/expected.hpp>

#include "k8s_client/decode.h"
#include "k8s_client/syntax_error.h"
#include "k8s_client/value_tree.h"

namespace k8s_client {

/// Most octets between two events. yaml-cpp keeps the tokens of a flow collection until that has
/// ended, each in some hundred octets of memory.
inline constexpr std::size_t kMaxYamlValue = std::size_t{4} << 20;

/// Documents separated by `---`. Objects that ended before an error were delivered.
tl::expected<void, SyntaxError> read_yaml(std::string_view text, ObjectDecoder& decoder);
tl::expected<void, SyntaxError> read_yaml_values(std::string_view text, ValueReader& reader);

}  // namespace k8s_client

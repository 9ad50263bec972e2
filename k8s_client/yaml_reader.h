// YAML text to the events of an ObjectDecoder.
// Knows YAML (yaml-cpp, as events: nothing is built) and its core schema; knows nothing of the
// objects. Aliases are not followed: they spoil the object they stand in. Borrows text and decoder
// for the call; free of threads.
#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "k8s_client/decode.h"
#include "k8s_client/syntax_error.h"

namespace k8s_client {

/// Documents separated by `---`. Objects that ended before an error were delivered.
tl::expected<void, SyntaxError> read_yaml(std::string_view text, ObjectDecoder& decoder);

}  // namespace k8s_client

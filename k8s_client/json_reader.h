// JSON text to the events of an ObjectDecoder.
// Knows JSON (RapidJSON, iterative: nesting costs no stack); knows nothing of the objects. Borrows
// text and decoder for the call; free of threads.
#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "k8s_client/decode.h"
#include "k8s_client/syntax_error.h"

namespace k8s_client {

/// One value after the other, each a document. Objects that ended before an error were delivered.
tl::expected<void, SyntaxError> read_json(std::string_view text, ObjectDecoder& decoder);

}  // namespace k8s_client

// JSON text, whole or as it arrives, to the events of an ObjectDecoder or a ValueReader.
// Knows JSON (RapidJSON, iterative: nesting costs no stack); knows nothing of the objects. Borrows
// text and decoder for the call; one thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "k8s_client/decode.h"
#include "k8s_client/syntax_error.h"
#include "k8s_client/value_tree.h"

namespace k8s_client {

/// One value after the other, each a document. Objects that ended before an error were delivered.
tl::expected<void, SyntaxError> read_json(std::string_view text, ObjectDecoder& decoder);
tl::expected<void, SyntaxError> read_json_values(std::string_view text, ValueReader& reader);

/// Text that comes in pieces, cut anywhere.
class TextPieces {
  public:
    virtual ~TextPieces() = default;
    /// Waits for the next piece; it stays valid until the next call. Empty: the text has ended.
    virtual std::string_view next() = 0;
};

/// Where in the text, in octets, and why.
struct JsonFault {
    std::size_t offset = 0;
    std::string why;
};

/// Longest string or number; an object of the API has at most a few MiB in all.
inline constexpr std::size_t kMaxJsonToken = std::size_t{16} << 20;

/// As above. Memory: the longest token, and what the decoder keeps of one object.
tl::expected<void, JsonFault> read_json(TextPieces& pieces, ObjectDecoder& decoder);

}  // namespace k8s_client

// One line of the log: as CoreDNS writes it, or as a JSON object.
// Knows levels, escapes and the time of day; knows nothing of queries, nor where lines go.
// Free functions; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "k8s_client/source.h"

namespace server {

/// What `-log-format` chooses.
enum class LogStyle : std::uint8_t { Text, Json };

using LogLevel = k8s_client::Journal::Level;

struct JsonField {
    std::string_view name;
    std::variant<std::string_view, std::uint64_t, bool, double> value;
};

/// An object with `time` (RFC 3339, UTC, milliseconds), `level` and the fields; one line with its
/// newline. Octets that are no UTF-8 become U+FFFD.
std::string json_line(LogLevel level, std::span<const JsonField> fields);

/// "[INFO] TEXT", or an object with the text as `msg`; with its newline. Control characters, which
/// could end the line or pretend another, become spaces.
std::string log_line(LogStyle style, LogLevel level, std::string_view text);

/// The text alone, as what is said at start; else as log_line() at level Info.
std::string plain_line(LogStyle style, std::string_view text);

}  // namespace server

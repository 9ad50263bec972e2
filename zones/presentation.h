// Resource records, types and classes as people write them (RFC 1035 §5.1, RFC 3597 §5).
// Knows the text through ldns, which reads nothing here but what an operator wrote and names that
// we escaped: never octets of a message. Free functions and values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "zones/message.h"
#include "zones/name.h"

namespace zones {

/// The longest text of one record that is read, in octets.
inline constexpr std::size_t kMaxRecordText = 4096;

struct PresentedRecord {
    Name owner;
    std::uint16_t type = 0, rclass = kClassIn;
    std::uint32_t ttl = 0;
    std::string rdata;  // as in a message, its names in full
};

/// `OWNER [TTL] [CLASS] TYPE RDATA`; names without final dot are absolute, as are those with one.
/// The error says what is wrong, without the text.
tl::expected<PresentedRecord, std::string> parse_record(std::string_view text,
                                                        std::uint32_t default_ttl);

/// "AAAA", "any", "TYPE65280".
std::optional<std::uint16_t> parse_type(std::string_view text);
std::string type_to_string(std::uint16_t type);

/// "IN", "any", "CLASS3".
std::optional<std::uint16_t> parse_class(std::string_view text);
std::string class_to_string(std::uint16_t rclass);

}  // namespace zones

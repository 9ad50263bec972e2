// Why another server's reply is as it is, by its Extended DNS Error (RFC 8914).
// Knows where the option stands; knows nothing of what is made of it. Borrows the message. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "zones/relay.h"

namespace zones {

/// What an option of that kind says. "Other" says nothing without a text.
struct ExtendedError {
    std::uint16_t code = 0;
    std::string_view text{};  // borrowed

    bool says_something() const { return code != extended_error::kOther || !text.empty(); }
};

/// The first one of `reply` that says something. Looks no further where the message ends with an
/// OPT record without options, as nearly all do.
std::optional<ExtendedError> find_extended_error(const UpstreamReply& reply);

}  // namespace zones

// Domain names in wire form.
// Knows RFC 1035 §3.1 (labels), §2.3.3 (case) and §5.1 (escapes); nothing of messages or pointers.
// A Name is a value that owns its octets; a NameView borrows them. Both are absolute, uncompressed,
// at most 255 octets with the root label, and valid once made. Free of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zones {

inline constexpr std::size_t kMaxNameLength = 255;  // RFC 1035 §2.3.4, root label included
inline constexpr std::size_t kMaxLabelLength = 63;

/// ASCII lower case, octet by octet (RFC 4343 §3).
constexpr std::uint8_t to_lower(std::uint8_t octet) {
    return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet + 32) : octet;
}
std::string to_lower(std::string_view octets);
bool equal_fold(std::string_view a, std::string_view b);

/// The wire octets of a valid name, borrowed.
using NameView = std::string_view;

/// A name in lower case, cut into labels: what look-ups work on. Uninitialised until assigned; not
/// meant to be copied on the query path.
struct LoweredName {
    std::array<std::uint8_t, kMaxNameLength> octets;
    std::array<std::uint8_t, 128> label_at;  // offsets of the labels; [labels] is the root's
    std::size_t size = 0;
    std::size_t labels = 0;  // without the root

    void assign(NameView wire);

    NameView wire() const { return {reinterpret_cast<const char*>(octets.data()), size}; }
    /// The text of label `i`, 0 being the leftmost.
    std::string_view label(std::size_t i) const {
        return wire().substr(label_at[i] + 1U, octets[label_at[i]]);
    }
    /// The name from label `i` on.
    NameView suffix(std::size_t i) const { return wire().substr(label_at[i]); }
};

/// True if `name` is `zone` or a name below it; case-insensitive.
bool is_at_or_below(NameView name, NameView zone);

class Name {
  public:
    Name() : wire_(1, '\0') {}  // the root

    /// From presentation form, with or without the final dot; nullopt if it is empty, has an empty
    /// or overlong label, a bad escape, or is too long.
    static std::optional<Name> parse(std::string_view text);

    /// From one uncompressed wire name that fills `wire` exactly.
    static std::optional<Name> from_wire(std::string_view wire);

    NameView wire() const { return wire_; }
    std::size_t size() const { return wire_.size(); }
    std::size_t label_count() const;  // without the root label
    bool is_root() const { return wire_.size() == 1; }

    Name lowered() const;
    std::string to_string() const;  // presentation form with final dot

    /// True if this is `zone` or a name below it; case-insensitive.
    bool is_at_or_below(const Name& zone) const { return zones::is_at_or_below(wire_, zone.wire_); }

    /// Case-insensitive (RFC 4343).
    friend bool operator==(const Name& a, const Name& b) { return equal_fold(a.wire_, b.wire_); }

  private:
    std::string wire_;
};

/// Presentation form of wire octets, with final dot; escapes as RFC 1035 §5.1.
std::string to_string(NameView wire);

/// True for one label of a host name: letters, digits, inner hyphens, 1 to 63 (RFC 1123 §2.1).
bool is_host_label(std::string_view label);

}  // namespace zones

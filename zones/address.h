// IP addresses as values, their text, and the labels and reverse names made from them.
// Knows the text forms of IPv4 and IPv6 (RFC 5952) and how cluster DNS turns an address into an
// endpoint's label; nothing of sockets. Values; free of threads.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "zones/message.h"
#include "zones/name.h"

namespace zones {

// Compared as numbers: to compare arrays of octets is a call of memcmp() for each step of a search.

struct Ipv4 {
    std::array<std::uint8_t, 4> octets{};

    std::uint32_t number() const { return read_u32(octets.data()); }
    bool operator==(const Ipv4& other) const { return number() == other.number(); }
    std::strong_ordering operator<=>(const Ipv4& other) const {
        return number() <=> other.number();
    }
};

struct Ipv6 {
    std::array<std::uint8_t, 16> octets{};

    std::uint64_t half(std::size_t at) const {
        return static_cast<std::uint64_t>(read_u32(&octets[at])) << 32 | read_u32(&octets[at + 4]);
    }
    bool operator==(const Ipv6& other) const {
        return half(0) == other.half(0) && half(8) == other.half(8);
    }
    std::strong_ordering operator<=>(const Ipv6& other) const {
        return half(0) != other.half(0) ? half(0) <=> other.half(0) : half(8) <=> other.half(8);
    }
};

using Address = std::variant<Ipv4, Ipv6>;

/// As Go's net.ParseIP, which CoreDNS uses: no leading zeros, no zone index; an IPv4-mapped IPv6
/// address is the IPv4 address.
std::optional<Address> parse_address(std::string_view text);

inline constexpr std::size_t kMaxAddressText = 46;  // INET6_ADDRSTRLEN, the final NUL included

/// Canonical text as Go writes it (RFC 5952, and no dots in an IPv6 address); returns its length.
std::size_t write_text(const Ipv4& address, char (&text)[kMaxAddressText]);
std::size_t write_text(const Ipv6& address, char (&text)[kMaxAddressText]);
std::string to_string(const Ipv4& address);
std::string to_string(const Ipv6& address);
std::string to_string(const Address& address);

/// The label of an endpoint without a name of its own: dots or colons of the text become dashes,
/// and a text that would end in a dash gets a final 0, as CoreDNS does.
std::string address_label(std::string_view text);

/// The address in `label`, as in pod names and in the labels above: three single dashes are an
/// IPv4 address, anything else is tried as IPv6.
std::optional<Address> parse_address_label(std::string_view label);

/// `d.c.b.a.in-addr.arpa.` and nibbles under `ip6.arpa.` (RFC 1035 §3.5, RFC 3596 §2.5). A name
/// with fewer labels is a prefix: `length` counts its bits.
struct ReverseName {
    Address first;        // the lowest address with that prefix
    unsigned length = 0;  // in bits, 0 to 32 or 128
    bool complete() const { return length == (std::holds_alternative<Ipv4>(first) ? 32U : 128U); }
};

/// From a lower-case name; nullopt if it is not a reverse name or has a label that is no octet or
/// nibble.
std::optional<ReverseName> parse_reverse_name(NameView lowered);

/// The highest address with the prefix.
Address last_of(const ReverseName& prefix);

}  // namespace zones

#include "server/config_zones.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>

#include "server/config_values.h"

namespace server {
namespace {

constexpr std::string_view kPlainTransport = "dns://";

/// An address as the digits of its reverse name: octets of IPv4, nibbles of IPv6.
struct ReverseDigits {
    std::vector<unsigned> digits;  // most significant first
    std::int64_t bits_each = 0;
    std::string_view suffix;
};

std::optional<ReverseDigits> reverse_digits(const std::string& address) {
    std::array<unsigned char, 16> octets{};
    if (::inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
        return ReverseDigits{{octets.begin(), octets.begin() + 4}, 8, "in-addr.arpa"};
    }
    if (::inet_pton(AF_INET6, address.c_str(), octets.data()) != 1) {
        return std::nullopt;
    }
    ReverseDigits out{{}, 4, "ip6.arpa"};
    for (const unsigned char octet : octets) {
        out.digits.push_back(octet >> 4U);
        out.digits.push_back(octet & 0xfU);
    }
    return out;
}

zones::Name name_of_digits(const ReverseDigits& reverse) {
    std::string text;
    for (auto digit = reverse.digits.rbegin(); digit != reverse.digits.rend(); ++digit) {
        std::array<char, 5> label{};
        std::snprintf(label.data(), label.size(), reverse.bits_each == 8 ? "%u." : "%x.", *digit);
        text += label.data();
    }
    return zones::Name::parse(text.append(reverse.suffix)).value_or(zones::Name());
}

std::string_view without_transport(const Position& at, std::string_view text) {
    if (text.starts_with(kPlainTransport)) {
        return text.substr(kPlainTransport.size());
    }
    if (text.find("://") != std::string_view::npos) {
        static constexpr std::string_view kKnown[] = {kPlainTransport};
        fail(at, "this transport is not supported in this version", text, kKnown);
    }
    return text;
}

/// ADDRESS/BITS as reverse zones, anything else as one name.
std::vector<zones::Name> expand(const Position& at, std::string_view text) {
    const std::size_t slash = text.rfind('/');
    const std::string_view address = text.substr(0, slash);
    if (slash == std::string_view::npos || !parse_address(address)) {
        return {read_name(at, text)};
    }
    const std::string_view bits = text.substr(slash + 1);
    const bool mapped = address.find(':') != address.npos && address.find('.') != address.npos;
    const auto number = bits.starts_with('+') ? std::nullopt : parse_integer(bits);
    auto zones = number && !mapped ? reverse_zones(address, *number) : std::nullopt;
    if (!zones) {
        fail(at, "not a network in CIDR notation", text);
    }
    return std::move(*zones);
}

}  // namespace

std::optional<std::vector<zones::Name>> reverse_zones(std::string_view address, std::int64_t bits) {
    auto reverse = reverse_digits(std::string(address));
    if (!reverse || bits < 0 ||
        bits > static_cast<std::int64_t>(reverse->digits.size()) * reverse->bits_each) {
        return std::nullopt;
    }
    const std::int64_t count = (bits + reverse->bits_each - 1) / reverse->bits_each;
    const std::int64_t free_bits = count * reverse->bits_each - bits;
    reverse->digits.resize(static_cast<std::size_t>(count));
    std::vector<zones::Name> zones;
    if (free_bits == 0) {
        return std::vector<zones::Name>{name_of_digits(*reverse)};
    }
    const unsigned first = reverse->digits.back() >> free_bits << free_bits;
    for (unsigned i = 0; i < 1U << free_bits; ++i) {
        reverse->digits.back() = first + i;
        zones.push_back(name_of_digits(*reverse));
    }
    return zones;
}

KeyZones read_key(const Position& at, std::string_view text) {
    std::string_view zone = without_transport(at, text);
    KeyZones key;
    const std::size_t colon = zone.rfind(':');
    if (colon != std::string_view::npos) {
        const std::string_view after = zone.substr(colon + 1);
        const auto port = parse_integer(after);
        if (after.empty() || (port && (*port < 0 || *port > 65535))) {
            fail(at, "expected a port after the last ':'", text);
        }
        if (port) {  // otherwise it is part of an IPv6 network
            key.port = static_cast<std::uint16_t>(*port);
            zone = zone.substr(0, colon);
        }
    }
    key.zones = expand(at, zone);
    return key;
}

std::vector<zones::Name> read_zones(const Position& at, std::string_view text) {
    return read_key(at, text).zones;
}

std::vector<zones::Name> read_zones(const Position& at, const std::vector<std::string>& texts) {
    std::vector<zones::Name> zones;
    for (const std::string& text : texts) {
        const auto more = read_zones(at, text);
        zones.insert(zones.end(), more.begin(), more.end());
    }
    return zones;
}

bool is_reverse(const zones::Name& zone) {
    const auto in_addr = zones::Name::parse("in-addr.arpa");
    const auto ip6 = zones::Name::parse("ip6.arpa");
    return zone.is_at_or_below(*in_addr) || zone.is_at_or_below(*ip6);
}

}  // namespace server

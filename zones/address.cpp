#include "zones/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <cstring>

namespace zones {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view kInAddrArpa = "\7in-addr\4arpa\0"sv;
constexpr std::string_view kIp6Arpa = "\3ip6\4arpa\0"sv;

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<Address> from_text(const char* text) {
    Ipv4 v4;
    if (inet_pton(AF_INET, text, v4.octets.data()) == 1) {
        return v4;
    }
    Ipv6 v6;
    if (inet_pton(AF_INET6, text, v6.octets.data()) != 1) {
        return std::nullopt;
    }
    if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), v6.octets.begin())) {
        std::copy_n(v6.octets.begin() + 12, 4, v4.octets.begin());
        return v4;
    }
    return v6;
}

/// A decimal octet without leading zeros.
std::optional<std::uint8_t> octet_of(std::string_view label) {
    if (label.empty() || label.size() > 3 || (label.size() > 1 && label[0] == '0')) {
        return std::nullopt;
    }
    unsigned value = 0;
    for (const char c : label) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value > 255) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(value);
}

std::optional<std::uint8_t> nibble_of(std::string_view label) {
    if (label.size() != 1) {
        return std::nullopt;
    }
    const char c = label[0];
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<std::uint8_t>(c - 'a' + 10);
    }
    return std::nullopt;
}

/// The labels of `labels` (wire, without root), rightmost first, each turned into a number by
/// `read`; false if one is not, or if there are more than `most`.
template <typename Read>
bool read_labels(std::string_view labels, std::size_t most, Read read, std::uint8_t* out,
                 unsigned& count) {
    std::array<std::size_t, 128> starts;
    std::size_t n = 0;
    std::size_t at = 0;
    for (; at < labels.size(); at += 1U + static_cast<std::uint8_t>(labels[at])) {
        starts[n++] = at;
    }
    if (n > most || at != labels.size()) {  // else the suffix began inside a label
        return false;
    }
    for (std::size_t i = n; i-- > 0;) {
        const auto length = static_cast<std::uint8_t>(labels[starts[i]]);
        const auto value = read(labels.substr(starts[i] + 1, length));
        if (!value) {
            return false;
        }
        out[count++] = *value;
    }
    return true;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN + 1> buffer{};
    if (text.empty() || text.size() >= buffer.size() || text.find('\0') != text.npos) {
        return std::nullopt;
    }
    std::copy(text.begin(), text.end(), buffer.begin());
    return from_text(buffer.data());
}

std::size_t write_text(const Ipv4& address, char (&text)[kMaxAddressText]) {
    inet_ntop(AF_INET, address.octets.data(), text, sizeof text);
    return std::strlen(text);
}

std::size_t write_text(const Ipv6& address, char (&text)[kMaxAddressText]) {
    const auto& o = address.octets;
    inet_ntop(AF_INET6, o.data(), text, sizeof text);
    if (std::strchr(text, '.') != nullptr) {  // glibc's way with ::/96 and ::ffff:0:0/96
        const unsigned high = static_cast<unsigned>(o[12] << 8 | o[13]);
        const unsigned low = static_cast<unsigned>(o[14] << 8 | o[15]);
        std::snprintf(text, sizeof text, "::%s%x:%x", o[10] != 0 ? "ffff:" : "", high, low);
    }
    return std::strlen(text);
}

std::string to_string(const Ipv4& address) {
    char text[kMaxAddressText];
    return {text, write_text(address, text)};
}

std::string to_string(const Ipv6& address) {
    char text[kMaxAddressText];
    return {text, write_text(address, text)};
}

std::string to_string(const Address& address) {
    return std::visit([](const auto& a) { return to_string(a); }, address);
}

std::string address_label(std::string_view text) {
    std::string label(text);
    for (char& c : label) {
        if (c == '.' || c == ':') {
            c = '-';
        }
    }
    label = to_lower(label);
    if (label.ends_with('-')) {
        label += '0';
    }
    return label;
}

std::optional<Address> parse_address_label(std::string_view label) {
    std::array<char, INET6_ADDRSTRLEN + 1> text{};
    constexpr std::string_view kNotInLabels(".:\0", 3);  // written by escapes only
    if (label.empty() || label.size() >= text.size() ||
        label.find_first_of(kNotInLabels) != label.npos) {
        return std::nullopt;
    }
    const bool v4 = std::count(label.begin(), label.end(), '-') == 3 &&
                    label.find("--") == std::string_view::npos;
    std::transform(label.begin(), label.end(), text.begin(),
                   [v4](char c) { return c == '-' ? (v4 ? '.' : ':') : c; });
    return from_text(text.data());
}

std::optional<ReverseName> parse_reverse_name(NameView lowered) {
    unsigned count = 0;
    if (lowered.ends_with(kInAddrArpa)) {
        Ipv4 address;
        lowered.remove_suffix(kInAddrArpa.size());
        if (!read_labels(lowered, 4, octet_of, address.octets.data(), count)) {
            return std::nullopt;
        }
        return ReverseName{address, count * 8};
    }
    if (lowered.ends_with(kIp6Arpa)) {
        std::array<std::uint8_t, 32> nibbles{};
        lowered.remove_suffix(kIp6Arpa.size());
        if (!read_labels(lowered, nibbles.size(), nibble_of, nibbles.data(), count)) {
            return std::nullopt;
        }
        Ipv6 address;
        for (std::size_t i = 0; i < address.octets.size(); ++i) {
            address.octets[i] = static_cast<std::uint8_t>(nibbles[2 * i] << 4 | nibbles[2 * i + 1]);
        }
        return ReverseName{address, count * 4};
    }
    return std::nullopt;
}

Address last_of(const ReverseName& prefix) {
    Address last = prefix.first;
    std::visit(
        [&](auto& address) {
            for (unsigned bit = prefix.length; bit < address.octets.size() * 8; ++bit) {
                address.octets[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
            }
        },
        last);
    return last;
}

}  // namespace zones

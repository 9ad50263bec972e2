#include "zones/name.h"

#include <algorithm>
#include <cstring>

namespace zones {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Reads one possibly escaped octet at `at` and moves past it (RFC 1035 §5.1: \X and \DDD).
std::optional<std::uint8_t> read_octet(std::string_view text, std::size_t& at) {
    if (text[at] != '\\') {
        return static_cast<std::uint8_t>(text[at++]);
    }
    if (++at == text.size()) {
        return std::nullopt;
    }
    if (!is_digit(text[at])) {
        return static_cast<std::uint8_t>(text[at++]);
    }
    if (text.size() - at < 3 || !is_digit(text[at + 1]) || !is_digit(text[at + 2])) {
        return std::nullopt;
    }
    const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
    at += 3;
    if (value > 255) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(value);
}

void append_escaped(std::string& out, std::uint8_t octet) {
    if (octet == '.' || octet == '\\' || octet == '"' || octet == ';' || octet == '(' ||
        octet == ')' || octet == '@' || octet == '$') {
        out += '\\';
        out += static_cast<char>(octet);
    } else if (octet <= ' ' || octet >= 0x7f) {
        out += '\\';
        out += static_cast<char>('0' + octet / 100);
        out += static_cast<char>('0' + octet / 10 % 10);
        out += static_cast<char>('0' + octet % 10);
    } else {
        out += static_cast<char>(octet);
    }
}

/// to_lower() of eight octets at once: the bit 0x80 of a lane tells whether it holds a letter.
std::uint64_t lower_all(std::uint64_t octets) {
    constexpr std::uint64_t kEach = 0x0101010101010101U;
    const std::uint64_t low = octets & 0x7f * kEach;
    const std::uint64_t from_a = low + (0x80 - 'A') * kEach;
    const std::uint64_t above_z = low + (0x7f - 'Z') * kEach;
    const std::uint64_t upper = (from_a ^ above_z) & ~octets & 0x80 * kEach;
    return octets | upper >> 2;
}

/// At most eight.
inline void lower_some(const char* from, std::size_t count, std::uint8_t* to) {
    std::uint64_t octets = 0;
    std::memcpy(&octets, from, count);
    octets = lower_all(octets);
    std::memcpy(to, &octets, count);
}

}  // namespace

std::string to_lower(std::string_view octets) {
    std::string out(octets);
    for (char& c : out) {
        c = static_cast<char>(to_lower(static_cast<std::uint8_t>(c)));
    }
    return out;
}

bool equal_fold(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return to_lower(static_cast<std::uint8_t>(x)) == to_lower(static_cast<std::uint8_t>(y));
    });
}

void LoweredName::assign(NameView name) {
    std::size_t count = 0;
    for (std::size_t at = 0; name[at] != '\0'; at += 1U + static_cast<std::uint8_t>(name[at])) {
        label_at[count++] = static_cast<std::uint8_t>(at);
    }
    label_at[count] = static_cast<std::uint8_t>(name.size() - 1);
    size = name.size();
    labels = count;
    // A length octet is at most 63: no letter.
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    if (name.size() < kWord) {
        lower_some(name.data(), name.size(), octets.data());
        return;
    }
    const std::size_t last = name.size() - kWord;
    for (std::size_t at = 0; at < last; at += kWord) {
        lower_some(name.data() + at, kWord, &octets[at]);
    }
    lower_some(name.data() + last, kWord, &octets[last]);  // some of them for the second time
}

std::optional<Name> Name::parse(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    Name name;
    if (text == ".") {
        return name;
    }
    std::string wire;
    for (std::size_t at = 0; at < text.size(); ++at) {  // one label a round, `at` on its dot after
        const std::size_t length_at = wire.size();
        wire += '\0';
        while (at < text.size() && text[at] != '.') {
            const auto octet = read_octet(text, at);
            if (!octet) {
                return std::nullopt;
            }
            wire += static_cast<char>(*octet);
        }
        const std::size_t length = wire.size() - length_at - 1;
        if (length == 0 || length > kMaxLabelLength) {
            return std::nullopt;
        }
        wire[length_at] = static_cast<char>(length);
    }
    wire += '\0';
    if (wire.size() > kMaxNameLength) {
        return std::nullopt;
    }
    name.wire_ = std::move(wire);
    return name;
}

std::optional<Name> Name::from_wire(std::string_view wire) {
    if (wire.empty() || wire.size() > kMaxNameLength) {
        return std::nullopt;
    }
    std::size_t at = 0;
    while (at < wire.size() && wire[at] != '\0') {
        const auto length = static_cast<std::uint8_t>(wire[at]);
        if (length > kMaxLabelLength) {
            return std::nullopt;
        }
        at += 1U + length;
    }
    if (at + 1 != wire.size()) {
        return std::nullopt;
    }
    Name name;
    name.wire_ = wire;
    return name;
}

std::size_t Name::label_count() const {
    std::size_t count = 0;
    for (std::size_t at = 0; wire_[at] != '\0'; at += 1U + static_cast<std::uint8_t>(wire_[at])) {
        ++count;
    }
    return count;
}

Name Name::lowered() const {
    Name name;
    name.wire_ = to_lower(wire_);  // a length octet is at most 63: no letter
    return name;
}

std::string Name::to_string() const {
    return zones::to_string(wire_);
}

bool is_at_or_below(NameView name, NameView zone) {
    if (zone.size() == 1) {
        return true;  // the root
    }
    while (name.size() > zone.size()) {
        name.remove_prefix(1U + static_cast<std::uint8_t>(name[0]));
    }
    return equal_fold(name, zone);
}

std::string to_string(NameView wire) {
    if (wire.size() <= 1) {
        return ".";
    }
    std::string out;
    for (std::size_t at = 0; at < wire.size() && wire[at] != '\0';) {
        const auto length = static_cast<std::uint8_t>(wire[at++]);
        for (std::size_t i = 0; i < length && at < wire.size(); ++i, ++at) {
            append_escaped(out, static_cast<std::uint8_t>(wire[at]));
        }
        out += '.';
    }
    return out;
}

bool is_host_label(std::string_view label) {
    if (label.empty() || label.size() > kMaxLabelLength || label.front() == '-' ||
        label.back() == '-') {
        return false;
    }
    return std::all_of(label.begin(), label.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
}

}  // namespace zones

#include "server/html_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace server {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct Character {
    std::uint32_t code = 0;
    std::size_t size = 1;
};

/// The first character of `octets`; nullopt if it is no UTF-8 (RFC 3629 §3: shortest form, no
/// surrogates, up to U+10FFFF).
std::optional<Character> first_character(std::string_view octets) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(octets[i]); };
    const std::uint32_t lead = at(0);
    if (lead < 0x80) {
        return Character{lead, 1};
    }
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || octets.size() < size) {
        return std::nullopt;
    }
    std::uint32_t code = lead & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xc0U) != 0x80) {
            return std::nullopt;
        }
        code = code << 6 | (at(i) & 0x3fU);
    }
    constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < kLeast[size] || code > 0x10ffff || surrogate) {
        return std::nullopt;
    }
    return Character{code, size};
}

/// Controls (C0, DEL, C1), and what writes backwards or shows nothing: a name could pose as
/// another one (Unicode TR 36 §2.8).
bool is_hidden(std::uint32_t code) {
    const auto within = [code](std::uint32_t from, std::uint32_t to) {
        return code >= from && code <= to;
    };
    return (code < 0x20 && code != '\n' && code != '\t') || within(0x7f, 0x9f) || code == 0xad ||
           code == 0x61c || within(0x200b, 0x200f) || within(0x2028, 0x202e) ||
           within(0x2060, 0x206f) || code == 0xfeff || within(0xfff9, 0xfffb) ||
           within(0xe0000, 0xe007f);
}

std::string_view entity_of(char c) {
    switch (c) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&#39;";
        default:
            return {};
    }
}

}  // namespace

HtmlText& HtmlText::text(std::string_view octets) {
    while (!octets.empty()) {
        const auto character = first_character(octets);
        const std::size_t size = character ? character->size : 1;
        if (!character || is_hidden(character->code)) {
            text_ += kReplacement;
        } else if (const auto entity = entity_of(octets.front()); !entity.empty()) {
            text_ += entity;
        } else {
            text_ += octets.substr(0, size);
        }
        octets.remove_prefix(size);
    }
    return *this;
}

HtmlText& HtmlText::query_part(std::string_view octets) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (const char c : octets) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        if (plain) {
            text_ += c;
        } else {
            const auto octet = static_cast<unsigned char>(c);
            text_ += '%';
            text_ += kHex[octet >> 4];
            text_ += kHex[octet & 15];
        }
    }
    return *this;
}

HtmlText& HtmlText::number(std::uint64_t number) {
    text_ += grouped(number);
    return *this;
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, ",");
    }
    return text;
}

std::string span_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(std::max(seconds, 0.0));
    const auto both = [](std::uint64_t large, const char* unit, std::uint64_t small,
                         const char* part) {
        std::string text = std::to_string(large) + unit;
        return small == 0 ? text : text + " " + std::to_string(small) + part;
    };
    constexpr std::uint64_t kMinute = 60, kHour = 3600, kDay = 86'400;
    if (whole >= kDay) {
        return both(whole / kDay, " d", whole % kDay / kHour, " h");
    }
    if (whole >= kHour) {
        return both(whole / kHour, " h", whole % kHour / kMinute, " min");
    }
    return whole >= kMinute ? both(whole / kMinute, " min", 0, "") : both(whole, " s", 0, "");
}

std::string percent_text(double part, double all) {
    const double percent = all > 0 ? 100 * part / all : 0;
    if (percent >= 10 || percent == 0) {
        return std::to_string(std::lround(percent)) + " %";
    }
    const auto tenths = std::lround(percent * 10);
    if (tenths == 0) {
        return "under 0.1 %";
    }
    return std::to_string(tenths / 10) +
           (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " %";
}

}  // namespace server

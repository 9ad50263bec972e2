#include "k8s_client/utf8.h"

#include <cstdint>

namespace k8s_client {
namespace {

/// What the first octet promises: RFC 3629 §4. The second octet has a range of its own where an
/// overlong form, a surrogate, or a code point beyond U+10FFFF could begin.
struct Sequence {
    std::size_t length;
    unsigned char second_min;
    unsigned char second_max;
};

Sequence sequence_of(unsigned char first) {
    if (first < 0x80) {
        return {1, 0, 0};
    }
    if (first < 0xC2) {
        return {0, 0, 0};
    }
    if (first < 0xE0) {
        return {2, 0x80, 0xBF};
    }
    if (first < 0xF0) {
        const unsigned char min = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned char max = first == 0xED ? 0x9F : 0xBF;
        return {3, min, max};
    }
    if (first < 0xF5) {
        const unsigned char min = first == 0xF0 ? 0x90 : 0x80;
        const unsigned char max = first == 0xF4 ? 0x8F : 0xBF;
        return {4, min, max};
    }
    return {0, 0, 0};
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
    const auto octet = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t at = 0;
    while (at < text.size()) {
        const Sequence sequence = sequence_of(octet(at));
        if (sequence.length == 0 || sequence.length > text.size() - at) {
            return at;
        }
        for (std::size_t i = 1; i < sequence.length; ++i) {
            const unsigned char min = i == 1 ? sequence.second_min : 0x80;
            const unsigned char max = i == 1 ? sequence.second_max : 0xBF;
            if (octet(at + i) < min || octet(at + i) > max) {
                return at;
            }
        }
        at += sequence.length;
    }
    return std::string_view::npos;
}

}  // namespace k8s_client

#include "k8s_client/base64.h"

#include <cstddef>
#include <cstdint>

namespace k8s_client {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    std::size_t symbols = 0;
    std::size_t padding = 0;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            continue;
        }
        const std::size_t value = c == '=' ? 0 : kAlphabet.find(c);
        padding += c == '=' ? 1 : 0;
        if (value == kAlphabet.npos || padding > 2 || (padding > 0 && c != '=')) {
            return std::nullopt;
        }
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (++symbols % 4 == 0) {
            out += {static_cast<char>(bits >> 16 & 0xff), static_cast<char>(bits >> 8 & 0xff),
                    static_cast<char>(bits & 0xff)};
            if (padding > 0) {
                out.resize(out.size() - padding);
            }
        }
    }
    return symbols % 4 == 0 ? std::optional(out) : std::nullopt;
}

}  // namespace k8s_client

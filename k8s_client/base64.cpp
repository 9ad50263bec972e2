#include "k8s_client/base64.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace k8s_client {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<Secret> decode_base64(std::string_view text) {
    Secret::Octets out;
    out.reserve(text.size() / 4 * 3 + 3);
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
            for (const int shift : {16, 8, 0}) {
                out.push_back(static_cast<char>(bits >> shift & 0xff));
            }
            if (padding > 0) {
                out.resize(out.size() - padding);
            }
        }
    }
    return symbols % 4 == 0 ? std::optional(Secret(std::move(out))) : std::nullopt;
}

}  // namespace k8s_client

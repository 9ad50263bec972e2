#include "server/config_text.h"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "server/config_error.h"

namespace server {
namespace {

/// Each word with its length before it, so that no two texts of words are the same.
void append_word(std::string& text, std::string_view word) {
    text += std::to_string(word.size());
    text += ':';
    text += word;
}

void append(std::string& text, const Directive& directive) {
    append_word(text, directive.name);
    for (const std::string& arg : directive.args) {
        append_word(text, arg);
    }
    if (directive.has_block) {
        text += '{';
        for (const Directive& line : directive.block) {
            append(text, line);
        }
        text += '}';
    }
    text += '\n';
}

}  // namespace

std::string written_as(const CorefileBlock& block, std::span<const std::string_view> names) {
    std::string text;
    for (const Key& key : block.keys) {
        append_word(text, key.text);
    }
    text += '\n';
    for (const Directive& directive : block.directives) {
        if (names.empty() || std::ranges::find(names, directive.name) != names.end()) {
            append(text, directive);
        }
    }
    return text;
}

std::string hash_of(const Corefile& corefile) {
    std::string text;
    for (const CorefileBlock& block : corefile.blocks) {
        text += written_as(block) + "\n";
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha512(), nullptr) != 1) {
        throw ConfigError("SHA-512 is not available");
    }
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += fmt::format("{:02x}", digest[i]);
    }
    return hex;
}

}  // namespace server

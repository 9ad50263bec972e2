// Cuts the text of a Corefile into tokens, each with its file and line.
// Knows white space, quotes, comments and the environment; knows no grammar.
// Free functions; any one thread, while nobody changes the environment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/corefile.h"

namespace server {

struct Token {
    enum class Kind { Word, Open, Close };

    Kind kind = Kind::Word;
    std::string text;  // without quotes, environment filled in
    Position at;       // where it begins
    bool starts_line = false;
};

/// More tokens than this, imports counted each time, are a mistake or an attack.
inline constexpr std::size_t kMaxTokens = 100'000;

/// Throws ConfigError.
std::vector<Token> tokenize(std::string_view text, const std::string& file);

/// Fills in `{$NAME}` and `{%NAME%}`; an unset variable is empty. What is filled in is not read
/// again.
std::string expand_environment(std::string_view text);

}  // namespace server

// The syntax of a Corefile: server blocks, their keys, directives with arguments and nested blocks.
// Knows white space, quotes, comments, environment, imports and snippets, as the Caddyfile of
// coredns/caddy has them; knows nothing of what a directive means.
// Values and free functions; start-up and reload only, any one thread. Reads the imported files.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace server {

struct Position {
    std::string file;
    int line = 0;
};

/// One line: its first word, the words after it, and the lines between its braces.
struct Directive {
    std::string name;
    std::vector<std::string> args;
    std::vector<Directive> block;
    bool has_block = false;  // braces were there, perhaps with nothing between
    Position at;
};

struct Key {
    std::string text;  // as written: [TRANSPORT://]ZONE[:PORT]
    Position at;
};

struct CorefileBlock {
    std::vector<Key> keys;
    std::vector<Directive> directives;  // in the order of the file
};

struct Corefile {
    std::vector<CorefileBlock> blocks;
    std::vector<std::string> notices;  // imports that matched nothing
};

/// `file` is how messages name the text; imports are relative to `folder`. Throws ConfigError.
Corefile parse_corefile(std::string_view text, const std::string& file,
                        const std::filesystem::path& folder);

/// Throws ConfigError with `FILE:LINE: TEXT`.
[[noreturn]] void fail(const Position& at, std::string_view text);

/// Throws ConfigError with `FILE:LINE: TEXT: read 'READ'; known: A, B, C`.
[[noreturn]] void fail(const Position& at, std::string_view text, std::string_view read,
                       std::span<const std::string_view> known = {});

}  // namespace server

// Reads the lines between a plugin's braces against a table of the options it knows.
// Knows no plugin; the tables are beside each plugin's reader. Throws ConfigError.
// Free functions and values; start-up and reload only.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "server/config_values.h"
#include "server/corefile.h"

namespace server {

template <typename Target>
struct Option {
    std::string_view name;
    void (*read)(const Directive& line, Target& target);
};

template <typename Target>
void read_options(const Directive& directive, std::span<const Option<Target>> known,
                  Target& target) {
    for (const Directive& line : directive.block) {
        const auto option = std::find_if(known.begin(), known.end(), [&](const auto& candidate) {
            return candidate.name == line.name;
        });
        if (option == known.end()) {
            std::vector<std::string_view> names;
            for (const auto& candidate : known) {
                names.push_back(candidate.name);
            }
            fail(line.at, "unknown property of " + directive.name, line.name, names);
        }
        expect_no_block(line);
        option->read(line, target);
    }
}

/// The reader of an option that exists in CoreDNS, but not yet here.
template <typename Target>
void refuse_option(const Directive& line, Target& /*target*/) {
    fail(line.at, "option not supported in this version", text_of(line));
}

/// An argument that must be one of `words`; returns its index.
inline std::size_t read_word(const Directive& line, std::string_view text,
                             std::span<const std::string_view> words) {
    const auto word = std::find(words.begin(), words.end(), text);
    if (word == words.end()) {
        fail(line.at, "wrong value for " + line.name, text, words);
    }
    return static_cast<std::size_t>(word - words.begin());
}

}  // namespace server

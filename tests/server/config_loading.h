// Loads Corefiles that stand in the tests as text, and shows what an error says.
// Free functions; one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "server/config.h"
#include "tests/server/texts.h"

namespace server::testing {

inline Config load(std::string_view text, const std::filesystem::path& folder = ".") {
    LoadOptions options;
    options.text = text;
    options.file = "Corefile";
    options.folder = folder;
    return load_config(options);
}

/// The block for all names that has these directives.
inline ServerBlock block_with(std::string_view directives) {
    return load(". {\n" + std::string(directives) + "\n}").blocks.at(0);
}

/// The message of the ConfigError that `text` gives, or "(loads)".
inline std::string error_of(std::string_view text, const std::filesystem::path& folder = ".") {
    try {
        load(text, folder);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "(loads)";
}

/// The error for one directive in a block of its own, where it begins on line 2.
inline std::string error_in_block(std::string_view directive) {
    return error_of("example.org:5353 {\n" + std::string(directive) + "\n}\n");
}

}  // namespace server::testing

// The tokens of a Corefile in reading order, with imports and snippets spliced in.
// Knows files, globs and what may import what; knows no grammar beyond the `import` line.
// Owns the tokens that it reads; start-up and reload only, any one thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/corefile_lexer.h"

namespace server {

class TokenStream {
  public:
    TokenStream(std::string_view text, std::string file, std::filesystem::path folder);

    /// The next token, or nullptr at the end; valid until the next call that is not const.
    const Token* peek() const;
    Token take();

    /// True where the next token is the word `import` at the beginning of a line.
    bool at_import() const;
    /// Takes the whole `import` line; what it names is read next.
    void take_import();

    void define_snippet(const std::string& name, const Position& at, std::vector<Token> body);

    /// Globs that matched no file.
    const std::vector<std::string>& notices() const { return notices_; }

  private:
    /// One file or snippet that is being read.
    struct Frame {
        std::string source;
        std::vector<Token> tokens;
        std::size_t next = 0;
    };

    void push(const Position& at, std::string source, std::vector<Token> tokens);
    void push_files(const Token& target);
    std::filesystem::path resolve(const Token& target) const;

    std::string file_;
    std::filesystem::path folder_;
    std::vector<Frame> frames_;  // innermost last
    std::map<std::string, std::vector<Token>> snippets_;
    std::size_t token_count_ = 0;
    std::vector<std::string> notices_;
};

}  // namespace server

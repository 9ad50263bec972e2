#include "server/corefile_lexer.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace server {
namespace {

/// The UTF-8 forms of what Go's unicode.IsSpace takes for white space beyond ASCII.
constexpr std::string_view kWideSpaces[] = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

/// Octets of white space that `text` begins with, 0 if none.
std::size_t space_length(std::string_view text) {
    const char first = text.front();
    if (first == ' ' || (first >= '\t' && first <= '\r')) {
        return 1;
    }
    const auto* const wide = std::find_if(std::begin(kWideSpaces), std::end(kWideSpaces),
                                          [&](std::string_view s) { return text.starts_with(s); });
    return wide == std::end(kWideSpaces) ? 0 : wide->size();
}

class Lexer {
  public:
    Lexer(std::string_view text, const std::string& file) : rest_(text), file_(file) {
        if (rest_.starts_with("\xEF\xBB\xBF")) {
            rest_.remove_prefix(3);  // byte order mark
        }
    }

    std::vector<Token> run() {
        while (skip_space_and_comments()) {
            if (tokens_.size() == kMaxTokens) {
                fail({file_, line_}, "too many words in this file");
            }
            Token token;
            token.at = {file_, line_};
            token.starts_line = line_ != last_line_;
            if (rest_.front() == '"') {
                token.text = expand_environment(read_quoted());
            } else {
                read_word(token);
            }
            last_line_ = line_;
            tokens_.push_back(std::move(token));
        }
        return std::move(tokens_);
    }

  private:
    /// False at the end of the text.
    bool skip_space_and_comments() {
        while (!rest_.empty()) {
            if (rest_.front() == '#') {
                rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
                continue;
            }
            const std::size_t space = space_length(rest_);
            if (space == 0) {
                return true;
            }
            if (rest_.front() == '\n') {
                ++line_;
            }
            rest_.remove_prefix(space);
        }
        return false;
    }

    /// Only `\"` is an escape; every other backslash stands for itself, and hides nothing but the
    /// backslash after it.
    std::string read_quoted() {
        const int begin = line_;
        std::string value;
        bool escaped = false;
        for (std::size_t at = 1; at < rest_.size(); ++at) {
            const char c = rest_[at];
            if (c == '"' && !escaped) {
                rest_.remove_prefix(at + 1);
                return value;
            }
            if (c == '"') {
                value.back() = c;  // in place of its backslash
            } else {
                value += c;
            }
            line_ += c == '\n' ? 1 : 0;
            escaped = c == '\\' && !escaped;
        }
        fail({file_, begin}, "this quote is never closed", rest_);
    }

    /// A '#' begins a comment even inside a word, as in coredns/caddy's lexer.
    void read_word(Token& token) {
        std::size_t end = 0;
        while (end < rest_.size() && rest_[end] != '#' && space_length(rest_.substr(end)) == 0) {
            ++end;
        }
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end);
        if (word == "{") {
            token.kind = Token::Kind::Open;
        } else if (word == "}") {
            token.kind = Token::Kind::Close;
        }
        token.text = expand_environment(word);
    }

    std::string_view rest_;
    const std::string& file_;
    std::vector<Token> tokens_;
    int line_ = 1;
    int last_line_ = 0;  // where the last token ended
};

/// The length of `{$NAME}` or `{%NAME%}` at the front, and the name; 0 if there is none.
std::pair<std::size_t, std::string_view> reference_at(std::string_view text) {
    const bool windows = text.starts_with("{%");
    if (!windows && !text.starts_with("{$")) {
        return {0, {}};
    }
    const std::string_view close = windows ? "%}" : "}";
    const std::size_t end = text.find(close, 2);
    if (end == std::string_view::npos || end == 2) {
        return {0, {}};
    }
    return {end + close.size(), text.substr(2, end - 2)};
}

}  // namespace

std::vector<Token> tokenize(std::string_view text, const std::string& file) {
    return Lexer(text, file).run();
}

std::string expand_environment(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto [length, name] = reference_at(text);
        if (length == 0) {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv
        if (const char* value = std::getenv(std::string(name).c_str())) {
            out += value;
        }
        text.remove_prefix(length);
    }
    return out;
}

}  // namespace server

#include "server/corefile.h"

#include <cstddef>
#include <cstdio>
#include <utility>

#include "server/config_error.h"
#include "server/corefile_tokens.h"

namespace server {
namespace {

constexpr int kMaxNesting = 16;
constexpr std::size_t kMaxQuoted = 200;  // of what was read, in a message

/// `text` as it can stand in one line of a log.
std::string quotable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kMaxQuoted)) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x20 || octet == 0x7f) {
            char escaped[5];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", octet);
            out += escaped;
        } else {
            out += c;
        }
    }
    return text.size() > kMaxQuoted ? out + "..." : out;
}

/// The grammar, one function per production; follows caddyfile/parse.go of coredns/caddy.
class Parser {
  public:
    Parser(std::string_view text, const std::string& file, const std::filesystem::path& folder)
        : stream_(text, file, folder) {}

    Corefile run() {
        Corefile corefile;
        while (stream_.peek() != nullptr) {
            if (stream_.at_import()) {
                stream_.take_import();
                continue;
            }
            CorefileBlock block;
            block.keys = parse_keys();
            if (is_snippet(block.keys)) {
                parse_snippet(block.keys.front());
            } else if (!block.keys.empty()) {
                block.directives = parse_body();
                corefile.blocks.push_back(std::move(block));
            }
        }
        corefile.notices = stream_.notices();
        return corefile;
    }

  private:
    bool next_is(Token::Kind kind) const {
        return stream_.peek() != nullptr && stream_.peek()->kind == kind;
    }

    /// The keys of one line, and of the next one after a trailing comma.
    std::vector<Key> parse_keys() {
        std::vector<Key> keys;
        Position last;
        bool first = true;
        bool expecting_another = false;
        while (const Token* token = stream_.peek()) {
            if (token->starts_line && !first && !expecting_another) {
                break;
            }
            if (token->kind != Token::Kind::Word) {
                if (token->kind == Token::Kind::Open && !first && !expecting_another) {
                    break;
                }
                fail(token->at, "expected the zone of a server block", token->text);
            }
            if (stream_.at_import()) {
                stream_.take_import();
                continue;
            }
            Token key = stream_.take();
            first = false;
            last = key.at;
            expecting_another = key.text.ends_with(',');
            if (expecting_another) {
                key.text.pop_back();
            }
            add_key(keys, key);
        }
        if (expecting_another) {
            fail(last, "expected another zone after ','");
        }
        return keys;
    }

    /// An empty word, as from an unset variable, is no key.
    static void add_key(std::vector<Key>& keys, const Token& token) {
        if (token.text.size() > 1 && token.text.ends_with('{')) {
            fail(token.at, "'{' needs a blank before it", token.text);
        }
        if (!token.text.empty()) {
            keys.push_back({token.text, token.at});
        }
    }

    static bool is_snippet(const std::vector<Key>& keys) {
        return keys.size() == 1 && keys.front().text.starts_with('(') &&
               keys.front().text.ends_with(')');
    }

    void parse_snippet(const Key& key) {
        if (!next_is(Token::Kind::Open)) {
            fail(key.at, "a snippet needs braces", key.text);
        }
        stream_.take();
        std::vector<Token> body;
        for (int depth = 1; stream_.peek() != nullptr;) {
            Token token = stream_.take();
            depth += token.kind == Token::Kind::Open ? 1 : 0;
            depth -= token.kind == Token::Kind::Close ? 1 : 0;
            if (depth == 0) {
                stream_.define_snippet(key.text.substr(1, key.text.size() - 2), key.at,
                                       std::move(body));
                return;
            }
            body.push_back(std::move(token));
        }
        fail(key.at, "this snippet is never closed", key.text);
    }

    /// With braces, or without if nothing follows the block.
    std::vector<Directive> parse_body() {
        if (!next_is(Token::Kind::Open)) {
            return parse_directives(nullptr, 0);
        }
        const Position open = stream_.take().at;
        return parse_directives(&open, 0);
    }

    /// Up to the brace that closes `open`, or to the end of the text if there is none.
    std::vector<Directive> parse_directives(const Position* open, int depth) {
        std::vector<Directive> directives;
        while (const Token* token = stream_.peek()) {
            if (stream_.at_import()) {
                stream_.take_import();
            } else if (token->kind == Token::Kind::Open) {
                fail(token->at, "'{' must stand on the line of its directive");
            } else if (token->kind == Token::Kind::Word) {
                directives.push_back(parse_directive(depth));
            } else if (open == nullptr) {
                fail(token->at, "this '}' closes nothing");
            } else {
                stream_.take();
                return directives;
            }
        }
        if (open != nullptr) {
            fail(*open, "this '{' is never closed");
        }
        return directives;
    }

    Directive parse_directive(int depth) {
        Token name = stream_.take();
        if (name.text.size() > 1 && name.text.ends_with('{')) {
            fail(name.at, "'{' needs a blank before it", name.text);
        }
        Directive directive;
        directive.name = std::move(name.text);
        directive.at = std::move(name.at);
        while (stream_.peek() != nullptr && !stream_.peek()->starts_line) {
            Token token = stream_.take();
            if (directive.has_block) {
                fail(token.at, "nothing may follow '}' on its line", token.text);
            }
            if (token.kind == Token::Kind::Close) {
                fail(token.at, "'}' must stand on a line of its own");
            }
            if (token.kind == Token::Kind::Open) {
                parse_nested(directive, token.at, depth + 1);
            } else {
                directive.args.push_back(std::move(token.text));
            }
        }
        return directive;
    }

    void parse_nested(Directive& directive, const Position& open, int depth) {
        if (depth > kMaxNesting) {
            fail(open, "blocks are nested too deeply");
        }
        directive.has_block = true;
        directive.block = parse_directives(&open, depth);
    }

    TokenStream stream_;
};

}  // namespace

Corefile parse_corefile(std::string_view text, const std::string& file,
                        const std::filesystem::path& folder) {
    return Parser(text, file, folder).run();
}

void fail(const Position& at, std::string_view text) {
    throw ConfigError(at.file + ":" + std::to_string(at.line) + ": " + std::string(text));
}

void fail(const Position& at, std::string_view text, std::string_view read,
          std::span<const std::string_view> known) {
    std::string message = std::string(text) + ": read '" + quotable(read) + "'";
    for (const std::string_view& name : known) {
        message += &name == known.data() ? "; known: " : ", ";
        message += name;
    }
    fail(at, message);
}

}  // namespace server

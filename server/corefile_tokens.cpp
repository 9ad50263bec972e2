#include "server/corefile_tokens.h"

#include <algorithm>
#include <utility>

#include "server/config_files.h"

namespace server {
namespace {

constexpr std::size_t kMaxImportDepth = 32;

bool is_pattern(std::string_view path) {
    return path.find_first_of("*?[]") != path.npos;
}

/// The limit of coredns/caddy: patterns with several wildcards can take very long.
bool has_too_many_wildcards(std::string_view path) {
    return std::count(path.begin(), path.end(), '*') > 1 ||
           std::count(path.begin(), path.end(), '?') > 1 ||
           (path.find('[') != path.npos && path.find(']') != path.npos);
}

std::string snippet_source(const std::string& name) {
    return "(" + name + ")";
}

}  // namespace

TokenStream::TokenStream(std::string_view text, std::string file, std::filesystem::path folder)
    : file_(std::move(file)), folder_(std::move(folder)) {
    push({file_, 1}, file_, tokenize(text, file_));
}

const Token* TokenStream::peek() const {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
        if (frame->next < frame->tokens.size()) {
            return &frame->tokens[frame->next];
        }
    }
    return nullptr;
}

Token TokenStream::take() {
    // Frames are dropped only here, so that a file that imports itself on its last line is seen.
    while (frames_.back().next == frames_.back().tokens.size()) {
        frames_.pop_back();
    }
    Frame& frame = frames_.back();
    return std::move(frame.tokens[frame.next++]);
}

bool TokenStream::at_import() const {
    const Token* token = peek();
    return token != nullptr && token->kind == Token::Kind::Word && token->starts_line &&
           token->text == "import";
}

void TokenStream::take_import() {
    const Position at = take().at;
    const Token* argument = peek();
    if (argument == nullptr || argument->starts_line || argument->kind != Token::Kind::Word ||
        argument->text.empty()) {
        fail(at, "import needs a file, a glob or the name of a snippet");
    }
    const Token target = take();
    if (peek() != nullptr && !peek()->starts_line) {
        fail(at, "import takes only one argument", peek()->text);
    }
    if (const auto snippet = snippets_.find(target.text); snippet != snippets_.end()) {
        push(at, snippet_source(target.text), snippet->second);
        return;
    }
    push_files(target);
}

void TokenStream::define_snippet(const std::string& name, const Position& at,
                                 std::vector<Token> body) {
    if (!snippets_.emplace(name, std::move(body)).second) {
        fail(at, "this snippet is already defined", name);
    }
}

void TokenStream::push(const Position& at, std::string source, std::vector<Token> tokens) {
    const auto same = [&](const Frame& frame) { return frame.source == source; };
    if (std::any_of(frames_.begin(), frames_.end(), same)) {
        fail(at, "this import contains itself", source);
    }
    if (frames_.size() > kMaxImportDepth) {
        fail(at, "imports are nested too deeply", source);
    }
    token_count_ += tokens.size();
    if (token_count_ > kMaxTokens) {
        fail(at, "the Corefile and its imports have too many words", source);
    }
    if (!tokens.empty()) {
        tokens.front().starts_line = true;
    }
    frames_.push_back({std::move(source), std::move(tokens)});
}

void TokenStream::push_files(const Token& target) {
    const std::filesystem::path path = resolve(target);
    if (has_too_many_wildcards(path.native())) {
        fail(target.at, "an import may have only one wildcard", target.text);
    }
    const bool pattern = is_pattern(path.native());
    const auto files = pattern ? find_files(path) : std::vector<std::filesystem::path>{path};
    if (files.empty()) {
        notices_.push_back(target.at.file + ":" + std::to_string(target.at.line) +
                           ": no file matches import " + target.text);
    }
    std::vector<Token> tokens;
    for (const auto& file : files) {
        const auto text = read_text_file(file);
        if (!text) {
            std::vector<std::string_view> known;
            for (const auto& [name, body] : snippets_) {
                known.push_back(name);
            }
            fail(target.at, "cannot import: " + text.error(), target.text, known);
        }
        auto more = tokenize(*text, file.string());
        tokens.insert(tokens.end(), std::make_move_iterator(more.begin()),
                      std::make_move_iterator(more.end()));
    }
    push(target.at, path.string(), std::move(tokens));
}

/// Relative to the file that the import stands in, which for a snippet is where it was written.
std::filesystem::path TokenStream::resolve(const Token& target) const {
    const auto base =
        target.at.file == file_ ? folder_ : std::filesystem::path(target.at.file).parent_path();
    return (base / target.text).lexically_normal();
}

}  // namespace server

#include "server/pattern.h"

#include <algorithm>
#include <charconv>

#include <re2/re2.h>

namespace server {
namespace {

/// Of one pattern, its program and caches; RE2's own is 8 MiB.
constexpr std::int64_t kMaxMemory = 1 << 20;

/// The number in `text`, which begins with '{', and moves past its '}'; nullopt if there is none.
std::optional<std::size_t> take_group(std::string_view& text) {
    constexpr std::size_t kMaxDigits = 3;
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos || close < 2 || close > kMaxDigits + 1) {
        return std::nullopt;
    }
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + close, number);
    const bool leading_zero = close > 2 && text[1] == '0';
    if (error != std::errc() || end != text.data() + close || leading_zero) {
        return std::nullopt;
    }
    text.remove_prefix(close + 1);
    return number;
}

}  // namespace

Pattern::Pattern(std::unique_ptr<const re2::RE2> expression) : expression_(std::move(expression)) {}
Pattern::Pattern(Pattern&& other) noexcept = default;
Pattern& Pattern::operator=(Pattern&& other) noexcept = default;
Pattern::~Pattern() = default;

tl::expected<Pattern, std::string> Pattern::compile(std::string_view text) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kMaxMemory);
    auto expression =
        std::make_unique<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (!expression->ok()) {
        return tl::unexpected(expression->error());
    }
    return Pattern(std::move(expression));
}

bool Pattern::match(std::string_view text, Groups& groups) const {
    std::vector<re2::StringPiece> pieces(group_count() + 1);
    if (!expression_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                            re2::RE2::UNANCHORED, pieces.data(), static_cast<int>(pieces.size()))) {
        return false;
    }
    groups.clear();
    for (const auto& piece : pieces) {
        groups.emplace_back(piece.data(), piece.size());
    }
    return true;
}

std::size_t Pattern::group_count() const {
    return static_cast<std::size_t>(expression_->NumberOfCapturingGroups());
}

std::optional<std::size_t> Pattern::group_named(std::string_view name) const {
    const auto& names = expression_->NamedCapturingGroups();
    const auto found = names.find(std::string(name));
    return found == names.end() ? std::nullopt
                                : std::optional(static_cast<std::size_t>(found->second));
}

Replacement::Replacement(std::string_view text) {
    Part part;
    while (!text.empty()) {
        if (text.front() == '{' && (part.group = take_group(text))) {
            parts_.push_back(std::move(part));
            part = {};
        } else {
            part.literal += text.front();
            text.remove_prefix(1);
        }
    }
    parts_.push_back(std::move(part));
}

std::size_t Replacement::highest_group() const {
    std::size_t highest = 0;
    for (const Part& part : parts_) {
        highest = std::max(highest, part.group.value_or(0));
    }
    return highest;
}

std::string Replacement::expand(std::span<const std::string_view> groups) const {
    std::string out;
    for (const Part& part : parts_) {
        out += part.literal;
        if (part.group && *part.group < groups.size()) {
            out += groups[*part.group];
        }
    }
    return out;
}

}  // namespace server

// Regular expressions of the Corefile, and what is made of their groups.
// Knows RE2, whose syntax is Go's and whose time is linear in the text; knows no plugin. Values;
// immutable once made, any thread may match.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace re2 {
class RE2;
}

namespace server {

/// What the groups of a pattern matched: [0] is the whole match; empty where a group took no part.
using Groups = std::vector<std::string_view>;

class Pattern {
  public:
    /// The error is RE2's.
    static tl::expected<Pattern, std::string> compile(std::string_view text);

    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;
    Pattern(Pattern&& other) noexcept;
    Pattern& operator=(Pattern&& other) noexcept;
    ~Pattern();

    /// Looks for it anywhere in `text`, which `groups` then borrow.
    bool match(std::string_view text, Groups& groups) const;

    std::size_t group_count() const;  // without the whole match
    std::optional<std::size_t> group_named(std::string_view name) const;

  private:
    explicit Pattern(std::unique_ptr<const re2::RE2> expression);
    std::unique_ptr<const re2::RE2> expression_;
};

/// A text with {0}, {1} and so on for the groups of a match.
class Replacement {
  public:
    explicit Replacement(std::string_view text);

    std::size_t highest_group() const;  // 0 if there is none
    std::string expand(std::span<const std::string_view> groups) const;

  private:
    struct Part {
        std::string literal;
        std::optional<std::size_t> group;  // after the literal
    };
    std::vector<Part> parts_;
};

}  // namespace server

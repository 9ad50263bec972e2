// HTML as it is written: markup that stands in the sources, and values, which are escaped.
// Knows that names and texts on the page were chosen by strangers: only a literal can be markup
// (Markup is made by the compiler alone), so that nothing else reaches the page unescaped. Knows no
// page. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace server {

/// Markup of our own: a literal.
class Markup {
  public:
    template <std::size_t N>
    consteval Markup(const char (&literal)[N]) : text_(literal, N - 1) {}
    constexpr std::string_view text() const { return text_; }

  private:
    std::string_view text_;
};

class HtmlText {
  public:
    HtmlText& add(Markup markup) {
        text_ += markup.text();
        return *this;
    }
    HtmlText& add(const HtmlText& written) {
        text_ += written.text_;
        return *this;
    }

    /// For an element or a quoted attribute. Control characters, what is no UTF-8, and what would
    /// change the direction of writing become U+FFFD.
    HtmlText& text(std::string_view octets);

    /// As a part of a URL's query in an attribute (RFC 3986 §2.1).
    HtmlText& query_part(std::string_view octets);

    /// `12,345`
    HtmlText& number(std::uint64_t number);

    const std::string& written() const& { return text_; }
    std::string written() && { return std::move(text_); }

  private:
    std::string text_;
};

/// `12,345`
std::string grouped(std::uint64_t number);

/// `3 d 4 h`, `2 min`, `12 s`: rounded down, for people.
std::string span_text(double seconds);

/// `12 %`, `0.4 %`; `part` of `all`, 0 % of nothing.
std::string percent_text(double part, double all);

}  // namespace server

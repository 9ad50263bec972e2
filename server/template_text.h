// Texts with actions between {{ and }}, as Go's text/template has them.
// Knows the fields and functions that CoreDNS's documentation of `template` uses, and no others;
// knows nothing of records. What it puts in cannot end the word or the quoted string it stands in.
// Values; immutable once made, any thread may expand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "server/pattern.h"

namespace server {

/// What a text is about. Borrowed; all names are in presentation form with final dot.
struct TemplateSubject {
    std::string_view name;           // in lower case
    std::string_view zone;           // the longest of the template that matches
    std::string_view question_name;  // as it was asked
    std::string_view class_text, type_text;
    std::uint16_t qclass = 0, qtype = 0;
    std::string_view remote;  // the client's address
    std::uint16_t id = 0;     // of the message
    const Pattern* pattern = nullptr;
    const Groups* groups = nullptr;  // of `pattern` in `name`
};

/// An action, or one of its parts. Private to the parser and TemplateText.
struct TemplateNode;

class TemplateText {
  public:
    /// Of an expanded text, in octets.
    static constexpr std::size_t kMaxExpanded = 4096;

    /// The error names what is not understood, and what would be.
    static tl::expected<TemplateText, std::string> parse(std::string_view text);

    TemplateText(const TemplateText&) = delete;
    TemplateText& operator=(const TemplateText&) = delete;
    TemplateText(TemplateText&& other) noexcept;
    TemplateText& operator=(TemplateText&& other) noexcept;
    ~TemplateText();

    /// Always the same, whatever it is about: expand() needs no more than an empty subject.
    bool is_constant() const;

    /// The names of groups that it refers to.
    std::vector<std::string> group_names() const;

    /// The error says which kind of thing went wrong; it lives forever.
    tl::expected<std::string, const char*> expand(const TemplateSubject& subject) const;

  private:
    explicit TemplateText(std::vector<TemplateNode> nodes);
    std::vector<TemplateNode> nodes_;
};

}  // namespace server

// The parts of a template's text, between its parser and its expansion.
// Knows what the parts are; neither how they are written nor what they yield. Values; private to
// TemplateText.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace server {

struct TemplateNode {
    enum class Kind : std::uint8_t {
        Text,    // `text` as it stands
        Number,  // `number`
        Name,
        Zone,
        Class,
        Type,
        Remote,
        QuestionName,
        QuestionType,
        QuestionClass,
        MessageId,
        NamedGroup,  // .Group.`text`
        MatchList,   // .Match: only as the first argument of `index`
        GroupMap,    // .Group: the same
        Index,
        ParseInt,
    };
    Kind kind = Kind::Text;
    std::string text;
    std::uint64_t number = 0;
    std::vector<TemplateNode> arguments;
};

using TemplateNodes = tl::expected<std::vector<TemplateNode>, std::string>;

/// A whole text, its actions among literal text.
TemplateNodes parse_template_text(std::string_view text);

/// What stands between {{ and }}, without trim markers.
tl::expected<TemplateNode, std::string> parse_template_action(std::string_view text);

}  // namespace server

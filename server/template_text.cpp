#include "server/template_text.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "server/template_node.h"

namespace server {
namespace {

using NodeKind = TemplateNode::Kind;
/// A text borrows the subject or the node.
using Value = std::variant<std::string_view, std::uint64_t>;
using Result = tl::expected<Value, const char*>;
using Failure = tl::unexpected<const char*>;

/// True if `at` is between two octets of `name`, not inside an escape.
bool is_border(std::string_view name, std::size_t at) {
    std::size_t i = 0;
    while (i < at) {
        const bool escape = name[i] == '\\' && i + 1 < name.size();
        const bool decimal = escape && name[i + 1] >= '0' && name[i + 1] <= '9';
        i += decimal ? 4 : escape ? 2 : 1;
    }
    return i == at;
}

/// Half an escape would take what follows it in the record with it, or free a quote.
Result group_value(const TemplateSubject& subject, std::size_t index) {
    const std::string_view group = (*subject.groups)[index];
    if (!group.empty()) {
        const auto begin = static_cast<std::size_t>(group.data() - subject.name.data());
        if (!is_border(subject.name, begin) || !is_border(subject.name, begin + group.size())) {
            return Failure("a group cuts an escaped character of the name");
        }
    }
    return group;
}

Result evaluate(const TemplateNode& node, const TemplateSubject& subject);

/// The map's keys are the groups' names, and their numbers.
std::optional<std::size_t> find_group(const TemplateSubject& subject, std::string_view key) {
    if (const auto named = subject.pattern->group_named(key)) {
        return named;
    }
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    const bool whole = error == std::errc() && end == key.data() + key.size();
    return whole && index < subject.groups->size() ? std::optional(index) : std::nullopt;
}

Result evaluate_index(const TemplateNode& node, const TemplateSubject& subject) {
    const Result key = evaluate(node.arguments[1], subject);
    if (!key) {
        return key;
    }
    if (node.arguments[0].kind == NodeKind::GroupMap) {
        const auto* name = std::get_if<std::string_view>(&*key);
        if (name == nullptr) {
            return Failure("index .Group needs a text");
        }
        const auto index = find_group(subject, *name);
        return index ? group_value(subject, *index) : Result(std::string_view());
    }
    const auto* index = std::get_if<std::uint64_t>(&*key);
    if (index == nullptr || *index >= subject.groups->size()) {
        return Failure("index .Match needs the number of a group");
    }
    return group_value(subject, static_cast<std::size_t>(*index));
}

/// strconv.ParseUint; a base of 0 is that of the prefix.
std::optional<std::uint64_t> parse_uint(std::string_view text, std::uint64_t base,
                                        std::uint64_t bits) {
    if (base == 0) {
        const bool prefixed = text.size() > 1 && text[0] == '0';
        const char mark = prefixed ? text[1] : ' ';
        base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : prefixed ? 8 : 10;
        const bool marked = base == 16 || base == 2 || mark == 'o' || mark == 'O';
        text.remove_prefix(marked ? 2 : prefixed ? 1 : 0);
    }
    if (base < 2 || base > 36 || bits > 64) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, static_cast<int>(base));
    const bool too_wide = bits != 0 && bits < 64 && number >> bits != 0;
    if (error != std::errc() || end != text.data() + text.size() || too_wide) {
        return std::nullopt;
    }
    return number;
}

Result evaluate_parse_int(const TemplateNode& node, const TemplateSubject& subject) {
    Value values[3];
    for (std::size_t i = 0; i < 3; ++i) {
        const Result value = evaluate(node.arguments[i], subject);
        if (!value) {
            return value;
        }
        values[i] = *value;
    }
    const auto* text = std::get_if<std::string_view>(&values[0]);
    const auto* base = std::get_if<std::uint64_t>(&values[1]);
    const auto* bits = std::get_if<std::uint64_t>(&values[2]);
    const auto number = text != nullptr && base != nullptr && bits != nullptr
                            ? parse_uint(*text, *base, *bits)
                            : std::nullopt;
    return number ? Result(*number) : Failure("parseInt found no such number");
}

Result evaluate(const TemplateNode& node, const TemplateSubject& subject) {
    switch (node.kind) {
        case NodeKind::Text:
            return std::string_view(node.text);
        case NodeKind::Number:
            return node.number;
        case NodeKind::Name:
            return subject.name;
        case NodeKind::Zone:
            return subject.zone;
        case NodeKind::Class:
            return subject.class_text;
        case NodeKind::Type:
            return subject.type_text;
        case NodeKind::Remote:
            return subject.remote;
        case NodeKind::QuestionName:
            return subject.question_name;
        case NodeKind::QuestionType:
            return std::uint64_t{subject.qtype};
        case NodeKind::QuestionClass:
            return std::uint64_t{subject.qclass};
        case NodeKind::MessageId:
            return std::uint64_t{subject.id};
        case NodeKind::NamedGroup:
            if (const auto index = subject.pattern->group_named(node.text)) {
                return group_value(subject, *index);
            }
            return Failure("the pattern that matches has no such group");
        case NodeKind::Index:
            return evaluate_index(node, subject);
        case NodeKind::ParseInt:
            return evaluate_parse_int(node, subject);
        case NodeKind::MatchList:
        case NodeKind::GroupMap:
            break;
    }
    return Failure("only index takes .Match and .Group");
}

void collect_group_names(const TemplateNode& node, std::vector<std::string>& names) {
    if (node.kind == NodeKind::NamedGroup) {
        names.push_back(node.text);
    }
    for (const TemplateNode& argument : node.arguments) {
        collect_group_names(argument, names);
    }
}

}  // namespace

TemplateText::TemplateText(std::vector<TemplateNode> nodes) : nodes_(std::move(nodes)) {}
TemplateText::TemplateText(TemplateText&& other) noexcept = default;
TemplateText& TemplateText::operator=(TemplateText&& other) noexcept = default;
TemplateText::~TemplateText() = default;

tl::expected<TemplateText, std::string> TemplateText::parse(std::string_view text) {
    auto nodes = parse_template_text(text);
    if (!nodes) {
        return tl::unexpected(std::move(nodes.error()));
    }
    return TemplateText(std::move(*nodes));
}

bool TemplateText::is_constant() const {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const TemplateNode& node) { return node.kind == NodeKind::Text; });
}

std::vector<std::string> TemplateText::group_names() const {
    std::vector<std::string> names;
    for (const TemplateNode& node : nodes_) {
        collect_group_names(node, names);
    }
    return names;
}

tl::expected<std::string, const char*> TemplateText::expand(const TemplateSubject& subject) const {
    std::string out;
    for (const TemplateNode& node : nodes_) {
        const Result value = evaluate(node, subject);
        if (!value) {
            return Failure(value.error());
        }
        if (const auto* text = std::get_if<std::string_view>(&*value)) {
            out += *text;
        } else {
            out += std::to_string(std::get<std::uint64_t>(*value));
        }
        if (out.size() > kMaxExpanded) {
            return Failure("the text is too long");
        }
    }
    return out;
}

}  // namespace server

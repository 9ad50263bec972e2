#include <algorithm>
#include <charconv>
#include <optional>

#include "server/ascii.h"
#include "server/template_node.h"

namespace server {
namespace {

using NodeKind = TemplateNode::Kind;
using Node = tl::expected<TemplateNode, std::string>;

constexpr int kMaxDepth = 16;  // of parentheses
constexpr std::string_view kSpaces = " \t\r\n";

struct TemplateField {
    std::string_view text;
    NodeKind kind;
};
constexpr TemplateField kTemplateFields[] = {
    {".Name", NodeKind::Name},
    {".Zone", NodeKind::Zone},
    {".Class", NodeKind::Class},
    {".Type", NodeKind::Type},
    {".Remote", NodeKind::Remote},
    {".Question.Name", NodeKind::QuestionName},
    {".Question.Qtype", NodeKind::QuestionType},
    {".Question.Qclass", NodeKind::QuestionClass},
    {".Message.Id", NodeKind::MessageId},
    {".Match", NodeKind::MatchList},
    {".Group", NodeKind::GroupMap},
};

struct TemplateFunction {
    std::string_view name;
    NodeKind kind;
    std::size_t arguments;
};
constexpr TemplateFunction kTemplateFunctions[] = {
    {"index", NodeKind::Index, 2},
    {"parseInt", NodeKind::ParseInt, 3},
};

tl::unexpected<std::string> unsupported(std::string_view read) {
    std::string text = "'" + std::string(read) + "' is not supported in this version; known:";
    for (const TemplateField& field : kTemplateFields) {
        if (field.kind != NodeKind::MatchList && field.kind != NodeKind::GroupMap) {
            text += " " + std::string(field.text) + ",";
        }
    }
    return tl::unexpected(text +
                          " .Group.NAME, index .Group TEXT, index .Match NUMBER,"
                          " parseInt TEXT BASE BITS");
}

tl::unexpected<std::string> wrong(std::string_view what) {
    return tl::unexpected(std::string(what));
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_word(char c) {
    return is_letter(c) || is_digit(c);
}

/// What is wrong with the arguments of `call`.
std::optional<std::string> fault_of(const TemplateNode& call, const TemplateFunction& function) {
    if (call.arguments.size() != function.arguments) {
        return std::string(function.name) + " takes " + std::to_string(function.arguments) +
               " arguments";
    }
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
        const NodeKind kind = call.arguments[i].kind;
        const bool list = kind == NodeKind::MatchList || kind == NodeKind::GroupMap;
        if (list != (call.kind == NodeKind::Index && i == 0)) {
            return "index takes .Match or .Group first, and nothing else does";
        }
    }
    return std::nullopt;
}

/// A recursive-descent parser of one action. Borrows its text.
class Action {
  public:
    explicit Action(std::string_view text) : left_(text) {}

    Node pipeline(int depth = 0);
    bool at_end() {
        skip_spaces();
        return left_.empty();
    }
    std::string_view left() const { return left_; }

  private:
    Node command(std::optional<TemplateNode> piped, int depth);
    Node operand(int depth);
    Node field();
    Node number();
    Node quoted();
    Node raw();

    void skip_spaces() {
        left_.remove_prefix(std::min(left_.find_first_not_of(kSpaces), left_.size()));
    }
    bool at_operand() {
        skip_spaces();
        return !left_.empty() && left_.front() != ')' && left_.front() != '|';
    }
    template <typename Is>
    std::string_view take_while(Is is) {
        std::size_t size = 0;
        while (size < left_.size() && is(left_[size])) {
            ++size;
        }
        const auto taken = left_.substr(0, size);
        left_.remove_prefix(size);
        return taken;
    }

    std::string_view left_;
};

Node Action::pipeline(int depth) {
    if (depth > kMaxDepth) {
        return wrong("too many parentheses");
    }
    Node value = command(std::nullopt, depth);
    while (value && at_operand() == false && !left_.empty() && left_.front() == '|') {
        left_.remove_prefix(1);
        value = command(std::move(*value), depth);
    }
    return value;
}

/// `OPERAND`, or `FUNCTION OPERAND...`; what is piped in is the last argument.
Node Action::command(std::optional<TemplateNode> piped, int depth) {
    if (!at_operand()) {
        return wrong("a value is missing");
    }
    if (!is_letter(left_.front())) {
        Node value = operand(depth);
        if (value && (piped || at_operand())) {
            return wrong("only functions take arguments");
        }
        return value;
    }
    const auto name = take_while(is_word);
    const auto* const function =
        std::find_if(std::begin(kTemplateFunctions), std::end(kTemplateFunctions),
                     [&](const TemplateFunction& f) { return f.name == name; });
    if (function == std::end(kTemplateFunctions)) {
        return unsupported(name);
    }
    TemplateNode call{function->kind, {}, 0, {}};
    while (at_operand()) {
        Node argument = operand(depth);
        if (!argument) {
            return argument;
        }
        call.arguments.push_back(std::move(*argument));
    }
    if (piped) {
        call.arguments.push_back(std::move(*piped));
    }
    if (const auto fault = fault_of(call, *function)) {
        return wrong(*fault);
    }
    return call;
}

Node Action::operand(int depth) {
    const char first = left_.front();
    if (first == '(') {
        left_.remove_prefix(1);
        Node value = pipeline(depth + 1);
        if (value && (at_operand() || left_.empty() || left_.front() != ')')) {
            return wrong("a ')' is missing");
        }
        if (value) {
            left_.remove_prefix(1);
        }
        return value;
    }
    if (first == '.') {
        return field();
    }
    if (is_digit(first)) {
        return number();
    }
    if (first == '"') {
        return quoted();
    }
    if (first == '`') {
        return raw();
    }
    return unsupported(left_.substr(0, left_.find_first_of(kSpaces)));
}

Node Action::field() {
    constexpr std::string_view kGroup = ".Group.";
    const auto text = take_while([](char c) { return c == '.' || is_word(c); });
    const auto* const known = std::find_if(std::begin(kTemplateFields), std::end(kTemplateFields),
                                           [&](const TemplateField& f) { return f.text == text; });
    if (known != std::end(kTemplateFields)) {
        return TemplateNode{known->kind, {}, 0, {}};
    }
    if (!text.starts_with(kGroup)) {
        return unsupported(text);
    }
    const auto name = text.substr(kGroup.size());
    if (name.empty() || !is_letter(name.front()) || name.find('.') != std::string_view::npos) {
        return unsupported(text);
    }
    return TemplateNode{NodeKind::NamedGroup, std::string(name), 0, {}};
}

Node Action::number() {
    const auto text = take_while(is_word);
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    const auto digits = text.substr(hexadecimal ? 2 : 0);
    TemplateNode node{NodeKind::Number, {}, 0, {}};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(),
                                              node.number, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return unsupported(text);
    }
    return node;
}

Node Action::quoted() {
    TemplateNode node;
    left_.remove_prefix(1);
    while (!left_.empty() && left_.front() != '"') {
        if (left_.front() == '\\') {
            left_.remove_prefix(1);
            if (left_.empty() || (left_.front() != '"' && left_.front() != '\\')) {
                return unsupported("\\" + std::string(left_.substr(0, 1)));
            }
        }
        node.text += left_.front();
        left_.remove_prefix(1);
    }
    if (left_.empty()) {
        return wrong("a quote is not closed");
    }
    left_.remove_prefix(1);
    return node;
}

Node Action::raw() {
    const std::size_t close = left_.find('`', 1);
    if (close == std::string_view::npos) {
        return wrong("a quote is not closed");
    }
    TemplateNode node;
    node.text = left_.substr(1, close - 1);
    left_.remove_prefix(close + 1);
    return node;
}

/// Where the action that begins at `text` ends, past strings that may hold "}}".
std::size_t find_close(std::string_view text) {
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (quote != '\0') {
            quote = text[i] == quote ? '\0' : quote;
        } else if (text[i] == '"' || text[i] == '`') {
            quote = text[i];
        } else if (text.substr(i).starts_with("}}")) {
            return i;
        }
    }
    return std::string_view::npos;
}

void trim_end(std::string& text) {
    text.erase(text.find_last_not_of(kSpaces) + 1);
}

bool is_space(char c) {
    return kSpaces.find(c) != std::string_view::npos;
}

bool is_comment(std::string_view action) {
    return action.substr(std::min(action.find_first_not_of(kSpaces), action.size()))
        .starts_with("/*");
}

/// Takes what stands in front of the next "}}", and that, and what it trims; nullopt if there is
/// none.
std::optional<std::string_view> take_action(std::string_view& text) {
    const std::size_t begin = is_comment(text) ? text.find("*/") : 0;
    const std::size_t size =
        begin == std::string_view::npos ? begin : find_close(text.substr(begin));
    if (size == std::string_view::npos) {
        return std::nullopt;
    }
    auto action = text.substr(0, begin + size);
    text.remove_prefix(action.size() + 2);
    if (action.size() > 1 && action.back() == '-' && is_space(action[action.size() - 2])) {
        action.remove_suffix(1);
        text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
    }
    return action;
}

}  // namespace

tl::expected<TemplateNode, std::string> parse_template_action(std::string_view text) {
    Action action(text);
    Node node = action.pipeline();
    if (node && !action.at_end()) {
        return unsupported(action.left());
    }
    if (node && (node->kind == NodeKind::MatchList || node->kind == NodeKind::GroupMap)) {
        return unsupported(node->kind == NodeKind::MatchList ? ".Match" : ".Group");
    }
    return node;
}

TemplateNodes parse_template_text(std::string_view text) {
    std::vector<TemplateNode> nodes;
    for (;;) {
        const std::size_t open = text.find("{{");
        std::string literal(text.substr(0, open));
        text.remove_prefix(std::min(open, text.size()));
        const bool trims = text.size() > 3 && text[2] == '-' && is_space(text[3]);
        if (trims) {
            trim_end(literal);
        }
        if (!literal.empty()) {
            nodes.push_back({NodeKind::Text, std::move(literal), 0, {}});
        }
        if (text.empty()) {
            return nodes;
        }
        text.remove_prefix(trims ? 3 : 2);
        const auto action = take_action(text);
        if (!action) {
            return wrong("a '{{' has no '}}'");
        }
        if (is_comment(*action)) {
            continue;
        }
        Node node = parse_template_action(*action);
        if (!node) {
            return tl::unexpected(std::move(node.error()));
        }
        nodes.push_back(std::move(*node));
    }
}

}  // namespace server

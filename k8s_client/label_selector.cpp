#include "k8s_client/label_selector.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "k8s_client/api_names.h"

namespace k8s_client {
namespace {

enum class TokenType { End, Word, Comma, Open, Close, Not, Equal, NotEqual, Greater, Less };

struct Token {
    TokenType type = TokenType::End;
    std::string_view text;
    std::size_t column = 0;  // from 1
};

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_symbol(char c) {
    return std::string_view("=!(),><").find(c) != std::string_view::npos;
}

TokenType symbol_type(std::string_view symbol) {
    switch (symbol.front()) {
        case '(':
            return TokenType::Open;
        case ')':
            return TokenType::Close;
        case ',':
            return TokenType::Comma;
        case '>':
            return TokenType::Greater;
        case '<':
            return TokenType::Less;
        case '!':
            return symbol.size() == 2 ? TokenType::NotEqual : TokenType::Not;
        default:
            return TokenType::Equal;
    }
}

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

const std::string* find_label(const Labels& labels, std::string_view key) {
    const auto at =
        std::lower_bound(labels.begin(), labels.end(), key,
                         [](const auto& label, std::string_view k) { return label.first < k; });
    return at != labels.end() && at->first == key ? &at->second : nullptr;
}

bool contains(const std::vector<std::string>& values, const std::string& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

/// Recursive descent over the grammar of labels.Parse (k8s.io/apimachinery/pkg/labels/selector.go).
/// The first error is kept, and every step after it does nothing.
class SelectorParser {
  public:
    explicit SelectorParser(std::string_view text) : text_(text) { advance(); }

    tl::expected<std::vector<LabelSelector::Requirement>, std::string> parse() {
        std::vector<LabelSelector::Requirement> requirements;
        while (error_.empty() && token_.type != TokenType::End) {
            requirements.push_back(parse_requirement());
            if (token_.type == TokenType::Comma) {
                advance();
                if (token_.type != TokenType::Word && token_.type != TokenType::Not) {
                    expect("a label key after ','");
                }
            } else if (token_.type != TokenType::End) {
                expect("',' or the end");
            }
        }
        if (!error_.empty()) {
            return tl::unexpected(error_);
        }
        return requirements;
    }

  private:
    using Operator = LabelSelector::Operator;

    void advance();
    void fail(const Token& at, const std::string& why);
    void expect(const std::string& what);
    LabelSelector::Requirement parse_requirement();
    Operator parse_operator();
    std::vector<std::string> parse_list();
    std::string parse_value();
    void check_values(const LabelSelector::Requirement& requirement, const Token& at);

    std::string_view text_;
    std::size_t next_ = 0;
    Token token_;
    std::string error_;
};

void SelectorParser::advance() {
    while (next_ < text_.size() && is_space(text_[next_])) {
        ++next_;
    }
    const std::size_t begin = next_;
    token_ = {TokenType::End, {}, begin + 1};
    if (begin == text_.size()) {
        return;
    }
    if (is_symbol(text_[begin])) {
        const std::string_view two = text_.substr(begin, 2);
        next_ += two == "==" || two == "!=" ? 2 : 1;
        token_.text = text_.substr(begin, next_ - begin);
        token_.type = symbol_type(token_.text);
        return;
    }
    while (next_ < text_.size() && !is_space(text_[next_]) && !is_symbol(text_[next_])) {
        ++next_;
    }
    token_.text = text_.substr(begin, next_ - begin);
    token_.type = TokenType::Word;
}

void SelectorParser::fail(const Token& at, const std::string& why) {
    if (error_.empty()) {
        error_ = "label selector '" + std::string(text_) + "', column " +
                 std::to_string(at.column) + ": " + why;
    }
    token_ = {};
    next_ = text_.size();
}

void SelectorParser::expect(const std::string& what) {
    const std::string found =
        token_.type == TokenType::End ? "the end" : "'" + std::string(token_.text) + "'";
    fail(token_, "found " + found + ", expected " + what);
}

LabelSelector::Requirement SelectorParser::parse_requirement() {
    LabelSelector::Requirement requirement;
    const bool negated = token_.type == TokenType::Not;
    if (negated) {
        advance();
    }
    if (token_.type != TokenType::Word) {
        expect(negated ? "a label key after '!'" : "a label key or '!'");
        return requirement;
    }
    requirement.key = token_.text;
    if (const std::string_view fault = label_key_fault(requirement.key); !fault.empty()) {
        fail(token_, "key '" + requirement.key + "' is " + std::string(fault));
        return requirement;
    }
    advance();
    if (negated) {
        requirement.op = Operator::DoesNotExist;
    } else if (token_.type != TokenType::End && token_.type != TokenType::Comma) {
        const bool is_set = token_.type == TokenType::Word;
        requirement.op = parse_operator();
        const Token at = token_;
        requirement.values = is_set ? parse_list() : std::vector<std::string>{parse_value()};
        check_values(requirement, at);
    }
    return requirement;
}

LabelSelector::Operator SelectorParser::parse_operator() {
    Operator op = Operator::In;
    if (token_.type == TokenType::NotEqual || token_.text == "notin") {
        op = Operator::NotIn;
    } else if (token_.type == TokenType::Greater) {
        op = Operator::GreaterThan;
    } else if (token_.type == TokenType::Less) {
        op = Operator::LessThan;
    } else if (token_.type != TokenType::Equal && token_.text != "in") {
        expect("in, notin, =, ==, !=, > or <");
        return op;
    }
    advance();
    return op;
}

/// `(a,b)`; nothing before, between or after commas is the empty value, as in labels.Parse.
std::vector<std::string> SelectorParser::parse_list() {
    std::vector<std::string> values;
    if (token_.type != TokenType::Open) {
        expect("'('");
        return values;
    }
    advance();
    if (token_.type == TokenType::Close) {
        expect("a value: the list is empty");
        return values;
    }
    for (;;) {
        std::string value;
        if (token_.type == TokenType::Word) {
            value = token_.text;
            advance();
        }
        values.push_back(std::move(value));
        if (token_.type == TokenType::Close) {
            advance();
            return values;
        }
        if (token_.type != TokenType::Comma) {
            expect("',' or ')'");
            return values;
        }
        advance();
    }
}

std::string SelectorParser::parse_value() {
    if (token_.type == TokenType::End || token_.type == TokenType::Comma) {
        return {};
    }
    if (token_.type != TokenType::Word) {
        expect("a value");
        return {};
    }
    std::string value(token_.text);
    advance();
    return value;
}

void SelectorParser::check_values(const LabelSelector::Requirement& requirement, const Token& at) {
    const bool compares =
        requirement.op == Operator::GreaterThan || requirement.op == Operator::LessThan;
    for (const std::string& value : requirement.values) {
        if (const std::string_view fault = label_value_fault(value); !fault.empty()) {
            fail(at, "value '" + value + "' is " + std::string(fault));
        } else if (compares && !integer(value)) {
            fail(at, "value '" + value + "' is not an integer, as > and < need");
        }
    }
}

tl::expected<LabelSelector, std::string> LabelSelector::parse(std::string_view text) {
    auto requirements = SelectorParser(text).parse();
    if (!requirements) {
        return tl::unexpected(requirements.error());
    }
    LabelSelector selector;
    selector.text_ = text;
    selector.requirements_ = std::move(*requirements);
    return selector;
}

bool LabelSelector::matches(const Labels& labels) const {
    const auto met = [&labels](const Requirement& requirement) {
        const std::string* label = find_label(labels, requirement.key);
        const auto& values = requirement.values;
        switch (requirement.op) {
            case Operator::In:
                return label && contains(values, *label);
            case Operator::NotIn:
                return !label || !contains(values, *label);
            case Operator::Exists:
                return label != nullptr;
            case Operator::DoesNotExist:
                return label == nullptr;
            case Operator::GreaterThan:
                return label && integer(*label) && *integer(*label) > *integer(values.front());
            case Operator::LessThan:
                return label && integer(*label) && *integer(*label) < *integer(values.front());
        }
        return false;
    };
    return std::all_of(requirements_.begin(), requirements_.end(), met);
}

}  // namespace k8s_client

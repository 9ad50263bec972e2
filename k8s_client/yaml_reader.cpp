#include "k8s_client/yaml_reader.h"

#include <algorithm>
#include <array>
#include <istream>
#include <streambuf>
#include <vector>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "k8s_client/utf8.h"

namespace k8s_client {
namespace {

/// A stream over borrowed text, which ends early where too much of it was read for one event.
class TextBuffer : public std::streambuf {
  public:
    explicit TextBuffer(std::string_view text) : text_(text) {}

    /// What is read from here on is for another event.
    void event() { ahead_ = 0; }
    bool cut_off() const { return cut_off_; }
    /// About where that began.
    std::size_t event_at() const { return given_ - ahead_; }

  protected:
    int_type underflow() override {
        if (ahead_ > kMaxYamlValue) {
            cut_off_ = true;
        }
        const std::size_t size = cut_off_ ? 0 : std::min(text_.size(), kPiece);
        if (size == 0) {
            return traits_type::eof();
        }
        char* begin = const_cast<char*>(text_.data());  // only read: there is no overflow()
        setg(begin, begin, begin + size);
        text_.remove_prefix(size);
        ahead_ += size;
        given_ += size;
        return traits_type::to_int_type(*begin);
    }

  private:
    static constexpr std::size_t kPiece = std::size_t{64} << 10;

    std::string_view text_;
    std::size_t ahead_ = 0;
    std::size_t given_ = 0;
    bool cut_off_ = false;
};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool only(std::string_view text, std::string_view chars) {
    return !text.empty() && text.find_first_not_of(chars) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_decimal(std::string_view text) {
    const auto drop_digits = [&text] {
        const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
        text.remove_prefix(digits);
        return digits;
    };
    const auto drop_any_of = [&text](std::string_view chars) {
        const bool found = !text.empty() && chars.find(text.front()) != std::string_view::npos;
        text.remove_prefix(found ? 1 : 0);
        return found;
    };
    drop_any_of("-+");
    const std::size_t whole = drop_digits();
    const std::size_t fraction = drop_any_of(".") ? drop_digits() : 0;
    if (whole + fraction == 0) {
        return false;
    }
    if (drop_any_of("eE")) {
        drop_any_of("-+");
        if (drop_digits() == 0) {
            return false;
        }
    }
    return text.empty();
}

/// YAML 1.2.2 §10.3.2, the core schema.
bool is_number(std::string_view text) {
    constexpr std::array<std::string_view, 12> kNamed = {".inf",  ".Inf",  ".INF",  "+.inf",
                                                         "+.Inf", "+.INF", "-.inf", "-.Inf",
                                                         "-.INF", ".nan",  ".NaN",  ".NAN"};
    if (text.starts_with("0o")) {
        return only(text.substr(2), "01234567");
    }
    if (text.starts_with("0x")) {
        return only(text.substr(2), "0123456789abcdefABCDEF");
    }
    return is_decimal(text) || is_one_of(text, kNamed);
}

template <typename Decoder>
class YamlEvents : public YAML::EventHandler {
  public:
    YamlEvents(Decoder& decoder, TextBuffer& text) : decoder_(decoder), text_(text) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        // yaml-cpp takes a token that begins nothing for an empty document, and leaves it where it
        // is: for ever.
        if (mark.pos <= last_start_) {
            throw YAML::ParserException(mark, "neither a value nor the end of the document");
        }
        last_start_ = mark.pos;
        text_.event();
        containers_.clear();
        decoder_.start_document();
    }
    void OnDocumentEnd() override { decoder_.end_document(); }

    void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {
        text_.event();
        if (take_key_position()) {
            decoder_.key({});
        } else {
            decoder_.null();
        }
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        text_.event();
        refuse_as_key(mark);
        decoder_.unsupported("line " + std::to_string(mark.line + 1) +
                             ": aliases of YAML are not followed");
    }

    void OnScalar(const YAML::Mark& /*mark*/, const std::string& tag, YAML::anchor_t /*anchor*/,
                  const std::string& value) override {
        text_.event();
        if (take_key_position()) {
            decoder_.key(value);
        } else if (tag == "?" || tag.empty()) {
            plain_scalar(value);
        } else {
            tagged_scalar(tag, value);
        }
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                         YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {
        refuse_as_key(mark);
        text_.event();
        containers_.push_back(Container::Sequence);
        check_depth(decoder_.start_array(), mark);
    }
    void OnSequenceEnd() override { end(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                    YAML::EmitterStyle::value /*style*/) override {
        refuse_as_key(mark);
        text_.event();
        containers_.push_back(Container::MapBeforeKey);
        check_depth(decoder_.start_object(), mark);
    }
    void OnMapEnd() override { end(); }

  private:
    enum class Container { Sequence, MapBeforeKey, MapBeforeValue };

    /// True if what comes is a key. Moves on to what is awaited after it.
    bool take_key_position() {
        if (containers_.empty() || containers_.back() == Container::Sequence) {
            return false;
        }
        const bool is_key = containers_.back() == Container::MapBeforeKey;
        containers_.back() = is_key ? Container::MapBeforeValue : Container::MapBeforeKey;
        return is_key;
    }

    void refuse_as_key(const YAML::Mark& mark) {
        if (take_key_position()) {
            throw YAML::ParserException(mark, "a key must be a scalar");
        }
    }

    void check_depth(bool ok, const YAML::Mark& mark) const {
        if (!ok) {
            throw YAML::ParserException(mark, decoder_.given_up_for());
        }
    }

    void end() {
        containers_.pop_back();
        decoder_.end();
    }

    void plain_scalar(const std::string& value) {
        constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
        constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
        constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
        if (is_one_of(value, kNull)) {
            decoder_.null();
        } else if (is_one_of(value, kTrue) || is_one_of(value, kFalse)) {
            decoder_.boolean(is_one_of(value, kTrue));
        } else if (is_number(value)) {
            decoder_.number(value);
        } else {
            decoder_.string(value);
        }
    }

    /// Quoted scalars bear the tag `!`.
    void tagged_scalar(const std::string& tag, const std::string& value) {
        constexpr std::array<std::string_view, 4> kResolved = {
            "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int",
            "tag:yaml.org,2002:float"};
        if (is_one_of(tag, kResolved)) {
            plain_scalar(value);
        } else {
            decoder_.string(value);
        }
    }

    Decoder& decoder_;
    TextBuffer& text_;
    std::vector<Container> containers_;
    int last_start_ = -1;  // where the document begins, in characters
};

std::size_t line_of(const YAML::Mark& mark) {
    return static_cast<std::size_t>(std::max(mark.line, 0)) + 1;
}

template <typename Decoder>
tl::expected<void, SyntaxError> read_text(std::string_view text, Decoder& decoder) {
    // yaml-cpp would replace bad octets silently.
    if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        return tl::unexpected(SyntaxError{line_at(text, bad), "not UTF-8"});
    }
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YamlEvents events(decoder, buffer);
    SyntaxError fault;
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(events)) {
        }
        if (!buffer.cut_off()) {
            return {};
        }
    } catch (const YAML::DeepRecursion& e) {  // yaml-cpp reports by exceptions only; they end here
        fault = {line_of(e.mark), "nested too deeply"};
    } catch (const YAML::Exception& e) {
        fault = {line_of(e.mark), e.msg};
    }
    if (buffer.cut_off()) {  // what came of that is of no interest
        fault = {line_at(text, buffer.event_at()),
                 "more than 4 MiB of one value, or of one {...} or [...]; JSON may be longer, in a "
                 "file *.json"};
    }
    return tl::unexpected(fault);
}

}  // namespace

tl::expected<void, SyntaxError> read_yaml(std::string_view text, ObjectDecoder& decoder) {
    return read_text(text, decoder);
}

tl::expected<void, SyntaxError> read_yaml_values(std::string_view text, ValueReader& reader) {
    return read_text(text, reader);
}

}  // namespace k8s_client

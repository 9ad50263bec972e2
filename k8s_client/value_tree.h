// A document as a tree of values, for who looks at many fields of few objects.
// Knows the shape that decode.h knows: an object, a List, a typed list whose items bear no kind;
// nothing of what fields mean. Takes the events of the same readers, and is bounded in depth,
// values and octets per object: what is beyond that is left out and counted. One thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace k8s_client {

struct Value {
    enum class Kind { Null, Boolean, Number, String, List, Map };

    Kind kind = Kind::Null;
    std::string key;              // of a member of a map
    std::string text;             // "true", "8080", or the string itself
    std::vector<Value> elements;  // of a list or map

    /// The member of a map; null if it is no map, or has none of that name.
    const Value* find(std::string_view name) const;
    /// The same for a path of names; each may be absent.
    template <typename... Names>
    const Value* find(std::string_view name, Names... below) const {
        const Value* const member = find(name);
        return member == nullptr ? nullptr : member->find(below...);
    }

    /// The members of a map or list that is there; else nothing.
    static const std::vector<Value>& elements_of(const Value* value);
    /// The text of a string that is there; else nothing.
    static std::string string_of(const Value* value);
};

/// Told of each object. Its `kind` and `apiVersion` are there, be it from its list.
class ValueReceiver {
  public:
    virtual ~ValueReceiver() = default;
    virtual void take(const Value& object) = 0;
};

class ValueReader {
  public:
    static constexpr std::size_t kMaxDepth = 512;  // of the document
    static constexpr std::size_t kKeptDepth = 24;  // of an object; what lies deeper is left out
    static constexpr std::size_t kMaxValues = 50'000;
    static constexpr std::size_t kMaxOctets = std::size_t{4} << 20;

    explicit ValueReader(ValueReceiver& receiver) : receiver_(receiver) {}

    /// Objects that were too large, and are not handed over.
    std::size_t left_out() const { return left_out_; }
    /// metadata.continue of the last list.
    const std::string& continue_token() const { return continue_token_; }

    // The events, as ObjectDecoder has them.
    void start_document();
    void end_document();
    [[nodiscard]] bool start_object() { return start(Value::Kind::Map); }
    [[nodiscard]] bool start_array() { return start(Value::Kind::List); }
    void end();
    void key(std::string_view text);
    void string(std::string_view text) { add(Value::Kind::String, text); }
    void number(std::string_view text) { add(Value::Kind::Number, text); }
    void boolean(bool value) { add(Value::Kind::Boolean, value ? "true" : "false"); }
    void null() { add(Value::Kind::Null, {}); }
    const char* given_up_for() const { return given_up_for_; }
    /// An alias of YAML: no value.
    void unsupported(const std::string& /*what*/) { null(); }

  private:
    bool start(Value::Kind kind);
    Value* add(Value::Kind kind, std::string_view text);
    bool in_items() const;
    void finish_item();
    void hand_over(Value object);

    ValueReceiver& receiver_;
    Value root_;
    std::vector<Value*> open_;     // from the root inwards
    std::string key_;              // of the value that comes
    std::size_t depth_ = 0;        // of the document
    std::size_t skipped_ = 0;      // depth inside a value that is not kept
    bool skips_next_ = false;      // the value of the last key is not kept
    std::size_t values_ = 0;       // of the object
    std::size_t octets_ = 0;       // of the object
    bool too_large_ = false;       // the object
    std::vector<Value> kindless_;  // items before the kind of their list
    std::size_t left_out_ = 0;
    std::string continue_token_;
    const char* given_up_for_ = "";
};

}  // namespace k8s_client

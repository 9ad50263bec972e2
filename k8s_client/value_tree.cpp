#include "k8s_client/value_tree.h"

#include <algorithm>
#include <array>
#include <utility>

#include "k8s_client/object_kinds.h"

namespace k8s_client {
namespace {

constexpr std::size_t kMaxKindless = 10'000;

/// Large, written by tenants or by machines, and of no interest here.
bool is_passed_over(std::string_view key) {
    constexpr std::array<std::string_view, 4> kKeys = {"annotations", "managedFields", "data",
                                                       "binaryData"};
    return std::ranges::find(kKeys, key) != kKeys.end();
}

void set_if_absent(Value& object, std::string_view name, std::string text) {
    if (object.find(name) == nullptr) {
        object.elements.push_back({Value::Kind::String, std::string(name), std::move(text), {}});
    }
}

}  // namespace

const Value* Value::find(std::string_view name) const {
    if (kind != Kind::Map) {
        return nullptr;
    }
    const auto member = std::ranges::find(elements, name, &Value::key);
    return member == elements.end() ? nullptr : &*member;
}

const std::vector<Value>& Value::elements_of(const Value* value) {
    static const std::vector<Value> kNone;
    return value == nullptr ? kNone : value->elements;
}

std::string Value::string_of(const Value* value) {
    return value != nullptr && value->kind == Kind::String ? value->text : std::string();
}

void ValueReader::start_document() {
    root_ = {};
    open_.clear();
    key_.clear();
    depth_ = skipped_ = values_ = octets_ = 0;
    skips_next_ = too_large_ = false;
    kindless_.clear();
}

void ValueReader::end_document() {
    const Value* const items = root_.find("items");
    if (items == nullptr || items->kind != Value::Kind::List) {
        if (too_large_) {
            ++left_out_;
        } else if (root_.kind == Value::Kind::Map) {
            receiver_.take(root_);
        }
        return;
    }
    continue_token_ = Value::string_of(root_.find("metadata", "continue"));
    for (Value& item : std::exchange(kindless_, {})) {
        hand_over(std::move(item));
    }
}

bool ValueReader::in_items() const {
    return open_.size() == 2 && open_[1]->key == "items" && open_[1]->kind == Value::Kind::List;
}

bool ValueReader::start(Value::Kind kind) {
    if (++depth_ > kMaxDepth) {
        given_up_for_ = "nested too deeply";
        return false;
    }
    if (skipped_ > 0) {
        ++skipped_;
        return true;
    }
    if (in_items()) {
        values_ = octets_ = 0;
        too_large_ = false;
    }
    Value* const value = open_.size() < kKeptDepth ? add(kind, {}) : nullptr;
    if (value == nullptr) {
        skips_next_ = false;
        skipped_ = 1;
    } else {
        open_.push_back(value);
    }
    return true;
}

void ValueReader::end() {
    --depth_;
    if (skipped_ > 0) {
        --skipped_;
        return;
    }
    open_.pop_back();
    if (in_items()) {
        finish_item();
    }
}

void ValueReader::key(std::string_view text) {
    if (skipped_ == 0) {
        key_ = text;
        skips_next_ = is_passed_over(text);
    }
}

/// Null if it is not kept.
Value* ValueReader::add(Value::Kind kind, std::string_view text) {
    if (skipped_ > 0 || std::exchange(skips_next_, false)) {
        return nullptr;
    }
    if (open_.empty()) {
        root_ = {kind, {}, std::string(text), {}};
        return &root_;
    }
    Value& parent = *open_.back();
    values_ += 1;
    octets_ += text.size() + key_.size();
    if (values_ > kMaxValues || octets_ > kMaxOctets) {
        too_large_ = true;
        return nullptr;
    }
    const bool in_map = parent.kind == Value::Kind::Map;
    parent.elements.push_back({kind, in_map ? key_ : std::string(), std::string(text), {}});
    return &parent.elements.back();
}

void ValueReader::finish_item() {
    Value& items = *open_[1];
    Value item = std::move(items.elements.back());
    items.elements.clear();
    if (too_large_) {
        ++left_out_;
        too_large_ = false;
    } else if (item.find("kind") != nullptr || root_.find("kind") != nullptr) {
        hand_over(std::move(item));
    } else if (kindless_.size() < kMaxKindless) {
        kindless_.push_back(std::move(item));
    } else {
        ++left_out_;
    }
    values_ = octets_ = 0;
}

/// The items of a typed list bear neither kind nor apiVersion: the list says them.
void ValueReader::hand_over(Value object) {
    std::string kind = Value::string_of(root_.find("kind"));
    if (object.kind != Value::Kind::Map) {
        return;
    }
    if (kind.ends_with(kListSuffix)) {
        kind.resize(kind.size() - kListSuffix.size());
        set_if_absent(object, "kind", kind);
        set_if_absent(object, "apiVersion", Value::string_of(root_.find("apiVersion")));
    }
    receiver_.take(object);
}

}  // namespace k8s_client

#include "k8s_client/decode.h"

#include <charconv>

#include "k8s_client/check_object.h"
#include "k8s_client/object_kinds.h"

namespace k8s_client {
namespace {

const char* shape_name(Shape shape) {
    switch (shape) {
        case Shape::Map:
            return "an object";
        case Shape::List:
            return "a list";
        case Shape::String:
            return "a string";
        case Shape::Boolean:
            return "true or false";
        case Shape::Port:
            return "a whole number from 1 to 65535";
        case Shape::Integer:
            return "a whole number";
    }
    return "";
}

template <typename Integer>
std::optional<Integer> whole_number(std::string_view text) {
    Integer number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

bool set_number(const FieldNode& node, RawCursor& at, std::string_view text) {
    if (node.port) {
        const auto port = whole_number<std::uint16_t>(text);
        if (port && *port != 0) {
            node.port(at) = port;
            return true;
        }
    } else if (const auto number = whole_number<std::int64_t>(text)) {
        node.integer(at) = *number;
        return true;
    }
    return false;
}

/// 0 for a version that is no number: such a server's versions have no order.
std::uint64_t version_number(std::string_view text) {
    return whole_number<std::uint64_t>(text).value_or(0);
}

/// `Service default/kubia`, as far as it is known.
std::string title_of(const RawObject& raw) {
    std::string title = raw.kind.empty() ? "object" : raw.kind;
    if (!raw.meta.name.empty()) {
        title += ' ' + (raw.meta.ns.empty() ? "" : raw.meta.ns + '/') + raw.meta.name;
    }
    return title;
}

RawCursor cursor_at(RawObject& object) {
    RawCursor cursor;
    cursor.object = &object;
    return cursor;
}

}  // namespace

void ObjectDecoder::start_document() {
    ++document_;
    depth_ = 0;
    skipped_ = 0;
    frames_.clear();
    pending_ = nullptr;
    section_ = Section::Common;
    has_root_ = false;
    has_items_ = false;
    root_ = {};
    at_ = cursor_at(root_);
    kindless_items_.clear();
}

void ObjectDecoder::end_document() {
    if (&root_node_ == &watch_event_node()) {
        finish_event();
    } else if (has_items_) {
        finish_list();
    } else if (has_root_) {
        hand_over(root_);
    }
}

bool ObjectDecoder::start(Shape shape) {
    if (++depth_ > kMaxDepth) {
        return give_up("nested too deeply");
    }
    if (!receiver_.wants_more()) {
        return give_up("");
    }
    if (skipped_ > 0) {
        ++skipped_;
        return true;
    }
    const FieldNode* node = next_node();
    if (!node || node->shape != shape) {
        if (node) {
            wrong_type(*node, shape_name(shape));
        }
        skipped_ = 1;
        return true;
    }
    if (node->role == Role::Item) {
        if (kindless_items_.size() == kMaxElements) {
            return give_up("more than 100000 items before the kind of their list");
        }
        start_item(*node);
    }
    if (node->role == Role::Items) {
        has_items_ = true;
        receiver_.begin_list(list_meta());
    }
    if (node->begin) {
        node->begin(at_);
    }
    frames_.push_back({node, 0});
    return true;
}

bool ObjectDecoder::give_up(const char* why) {
    given_up_for_ = why;
    return false;
}

void ObjectDecoder::end() {
    --depth_;
    if (skipped_ > 0) {
        --skipped_;
        return;
    }
    const Role role = frames_.back().node->role;
    frames_.pop_back();
    if (role == Role::Item) {
        finish_item();
    }
}

void ObjectDecoder::key(std::string_view text) {
    if (skipped_ > 0) {
        return;
    }
    const FieldNode& object = *frames_.back().node;
    pending_ = find_child(object, text);
    if (object.role != Role::Plain) {
        section_ = pending_ ? pending_->section : Section::Common;
    }
    if (pending_ && pending_->key.empty()) {
        at_.key = text;
    }
}

void ObjectDecoder::string(std::string_view text) {
    const FieldNode* node = next_node();
    if (node && node->text) {
        node->text(at_) = text;
    } else if (node) {
        wrong_type(*node, "a string");
    }
}

void ObjectDecoder::number(std::string_view text) {
    const FieldNode* node = next_node();
    if (!node) {
        return;
    }
    if (!node->port && !node->integer) {
        wrong_type(*node, "a number");
    } else if (!set_number(*node, at_, text)) {
        constexpr std::size_t kShown = 20;
        add_fault(*node,
                  std::string(text.substr(0, kShown)) + " is not " + shape_name(node->shape));
    }
}

void ObjectDecoder::boolean(bool value) {
    const FieldNode* node = next_node();
    if (node && node->boolean) {
        node->boolean(at_) = value;
    } else if (node) {
        wrong_type(*node, "true or false");
    }
}

void ObjectDecoder::null() {
    const bool had_root = has_root_;
    next_node();
    has_root_ = had_root;
}

void ObjectDecoder::unsupported(const std::string& what) {
    if (skipped_ > 0) {
        return;
    }
    next_node();
    at_.object->add_fault(Section::Common, what);
}

/// The node of the value that begins now; null if it is not read.
const FieldNode* ObjectDecoder::next_node() {
    if (skipped_ > 0) {
        return nullptr;
    }
    if (frames_.empty()) {
        has_root_ = true;
        return &root_node_;
    }
    Frame& frame = frames_.back();
    const bool is_list = frame.node->shape == Shape::List;
    const FieldNode* node = is_list ? &frame.node->children.front() : pending_;
    if (!node || !node->key.empty() || node->role == Role::Item) {
        frame.count += is_list ? 1U : 0U;
        return node;
    }
    if (frame.count == kMaxElements) {
        add_fault(*node, "more than " + std::to_string(kMaxElements) + " elements");
        return nullptr;
    }
    ++frame.count;
    return node;
}

void ObjectDecoder::start_item(const FieldNode& node) {
    item_ = {};
    item_.path = path_of(node);
    at_ = cursor_at(item_);
}

void ObjectDecoder::finish_item() {
    at_ = cursor_at(root_);
    section_ = Section::Common;
    if (!item_.kind.empty()) {
        hand_over(item_);
    } else if (root_.kind.empty() || root_.api_version.empty()) {
        kindless_items_.push_back(std::move(item_));
    } else if (root_.kind.ends_with(kListSuffix)) {
        adopt_kind(item_);
        hand_over(item_);
    }
}

/// The items of a typed list bear neither kind nor apiVersion: the list says them.
void ObjectDecoder::adopt_kind(RawObject& item) const {
    if (root_.kind.ends_with(kListSuffix)) {
        item.kind = root_.kind.substr(0, root_.kind.size() - kListSuffix.size());
        item.api_version = root_.api_version;
    }
}

void ObjectDecoder::finish_list() {
    if (!root_.kind.empty() && !root_.kind.ends_with(kListSuffix)) {
        hand_over(root_);  // another kind, with a field of that name
        return;
    }
    if (const std::string& fault = root_.faults.front(); !fault.empty()) {
        skip(root_, fault);
    }
    for (RawObject& item : kindless_items_) {
        adopt_kind(item);
        hand_over(item);
    }
    receiver_.end_list(list_meta());
}

ListMeta ObjectDecoder::list_meta() const {
    const bool typed = root_.kind.ends_with(kListSuffix);
    return {version_number(root_.version), root_.continue_token,
            typed ? root_.kind.substr(0, root_.kind.size() - kListSuffix.size()) : ""};
}

void ObjectDecoder::finish_event() {
    root_.meta.resource_version = version_number(root_.version);
    if (root_.event == "ADDED" || root_.event == "MODIFIED") {
        hand_over(root_);
    } else if (root_.event == "DELETED") {
        receiver_.deleted(root_.meta);
    } else if (root_.event == "BOOKMARK") {
        receiver_.bookmark(root_.meta.resource_version, root_.initial_events_end == "true");
    } else if (root_.event == "ERROR") {
        receiver_.status(root_.status);
    } else if (has_root_) {
        skip(root_, "type: " + root_.event + " is not a type of event");
    }
}

void ObjectDecoder::hand_over(RawObject& raw) {
    raw.meta.resource_version = version_number(raw.version);
    if (receiver_.take_meta(raw.meta)) {
        return;
    }
    const KeptKind* kept = find_kept_kind(raw.api_version, raw.kind);
    if (kept) {
        hand_over_kept(*kept, raw);
    } else if (raw.kind == "Status" && raw.api_version == "v1") {
        receiver_.status(raw.status);
    } else if (!raw.kind.empty() && !raw.api_version.empty()) {
        receiver_.pass_over(raw.kind);
    } else if (const std::string& fault = raw.faults.front(); !fault.empty()) {
        skip(raw, fault);
    } else {
        skip(raw, (raw.path.empty() ? "" : raw.path + ".") +
                      (raw.kind.empty() ? "kind" : "apiVersion") + ": required");
    }
}

void ObjectDecoder::hand_over_kept(const KeptKind& kept, RawObject& raw) {
    CheckedObject object = check_object(kept, raw);
    if (object && *object) {
        receiver_.take(std::move(**object), document_);
        return;
    }
    if (!object) {
        skip(raw, object.error());
    }
    receiver_.absent(raw.meta);
}

void ObjectDecoder::skip(const RawObject& raw, const std::string& fault) {
    const bool counts = &root_node_ == &document_node();  // an event is one of any number
    receiver_.skip((counts ? "document " + std::to_string(document_) + ": " : "") + title_of(raw) +
                   ": " + fault);
}

void ObjectDecoder::wrong_type(const FieldNode& node, const char* found) {
    add_fault(node, std::string("is ") + found + ", not " + shape_name(node.shape));
}

void ObjectDecoder::add_fault(const FieldNode& node, const std::string& why) {
    const std::string path = path_of(node);
    at_.object->add_fault(section_, path.empty() ? why : path + ": " + why);
}

/// Of a value that belongs into the innermost frame: `items[3].spec.ports[0].port`.
std::string ObjectDecoder::path_of(const FieldNode& node) const {
    std::string path;
    for (std::size_t i = 1; i <= frames_.size(); ++i) {
        const Frame& parent = frames_[i - 1];
        const FieldNode& child = i < frames_.size() ? *frames_[i].node : node;
        if (parent.node->shape == Shape::List) {
            path += "[" + std::to_string(parent.count - 1) + "]";
        } else if (child.key.empty()) {
            path += "[" + at_.key + "]";
        } else {
            path += (path.empty() ? "" : ".") + std::string(child.key);
        }
    }
    return path;
}

}  // namespace k8s_client

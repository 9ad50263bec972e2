// From the events of a parser (JSON or YAML) to checked objects, one by one as they end.
// Knows the shape of documents: an object, a List, a typed list whose items bear no kind; an event
// of a watch; a Status. Keeps only the fields of objects.h; what else a document holds costs a
// counter. Knows no syntax, no files. One thread at a time; the receiver is borrowed and called
// from within the events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/object_fields.h"
#include "k8s_client/objects.h"
#include "k8s_client/raw_object.h"

namespace k8s_client {

struct KeptKind;

/// What a list says of itself.
struct ListMeta {
    std::uint64_t resource_version = 0;  // 0: none was given (yet)
    std::string continue_token;          // not empty: there is another page
    std::string item_kind;               // "Service" of a ServiceList
};

/// Told what a text holds. What only an API server says may be ignored.
class ObjectReceiver {
  public:
    virtual ~ObjectReceiver() = default;
    /// `document` counts from 1.
    virtual void take(Object object, std::size_t document) = 0;
    /// An object of a kept kind is wrong: `document 2: Service default/kubia: spec.type: ...`.
    virtual void skip(const std::string& message) = 0;
    /// An object of a kind that is not kept.
    virtual void pass_over(std::string_view kind) = 0;
    /// False: nothing more is wanted, the parser shall give up.
    virtual bool wants_more() const { return true; }

    /// Of each object, before it is checked. True: that was all that is wanted of it.
    virtual bool take_meta(const ObjectMeta& /*meta*/) { return false; }
    /// The object is there, but counts as absent: it was skipped, or it is a Pod that has ended.
    virtual void absent(const ObjectMeta& /*meta*/) {}
    /// The items of a list follow; `meta` is what stood before them.
    virtual void begin_list(const ListMeta& /*meta*/) {}
    virtual void end_list(const ListMeta& /*meta*/) {}
    /// Events of a watch:
    /// https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks
    virtual void deleted(const ObjectMeta& /*meta*/) {}
    virtual void bookmark(std::uint64_t /*resource_version*/, bool /*initial_events_end*/) {}
    virtual void status(const ApiStatus& /*status*/) {}
};

class ObjectDecoder {
  public:
    /// What is read lies less than ten deep. The rest is only counted, so the limit may be wide:
    /// the schema in a CustomResourceDefinition alone nests 40 deep.
    static constexpr std::size_t kMaxDepth = 512;

    /// Elements of one list or map that is kept; more spoil the object. And items of a list that
    /// says only after them what they are: they have to wait for that.
    static constexpr std::size_t kMaxElements = 100'000;

    /// `root`: what each document is, document_node() or watch_event_node().
    explicit ObjectDecoder(ObjectReceiver& receiver, const FieldNode& root = document_node())
        : receiver_(receiver), root_node_(root) {}

    /// A document without a value (an empty one, or null) holds nothing.
    void start_document();
    void end_document();

    /// False: the parser must give up, given_up_for() says why.
    [[nodiscard]] bool start_object() { return start(Shape::Map); }
    [[nodiscard]] bool start_array() { return start(Shape::List); }
    void end();
    void key(std::string_view text);
    void string(std::string_view text);
    void number(std::string_view text);
    void boolean(bool value);
    void null();
    /// Empty if the receiver wants no more.
    const char* given_up_for() const { return given_up_for_; }
    /// A value that the syntax has and we do not follow, as an alias of YAML: it spoils the object.
    void unsupported(const std::string& what);

  private:
    struct Frame {
        const FieldNode* node;
        std::size_t count;  // of a list: the elements begun so far
    };

    bool start(Shape shape);
    bool give_up(const char* why);
    const FieldNode* next_node();
    void start_item(const FieldNode& node);
    void finish_item();
    void finish_list();
    void finish_event();
    ListMeta list_meta() const;
    void adopt_kind(RawObject& item) const;
    void hand_over(RawObject& raw);
    void hand_over_kept(const KeptKind& kept, RawObject& raw);
    void skip(const RawObject& raw, const std::string& fault);
    void wrong_type(const FieldNode& node, const char* found);
    void add_fault(const FieldNode& node, const std::string& why);
    std::string path_of(const FieldNode& node) const;

    ObjectReceiver& receiver_;
    const FieldNode& root_node_;
    std::size_t document_ = 0;
    const char* given_up_for_ = "";
    std::size_t depth_ = 0;
    std::size_t skipped_ = 0;  // depth inside a value that is not read
    std::vector<Frame> frames_;
    const FieldNode* pending_ = nullptr;  // the field of the last key
    Section section_ = Section::Common;   // of the object's field that the events are in
    RawCursor at_;

    bool has_root_ = false;   // the document has a value
    bool has_items_ = false;  // it has the field `items`
    RawObject root_;
    RawObject item_;
    std::vector<RawObject> kindless_items_;  // until the list's own kind is known
};

}  // namespace k8s_client

#include "k8s_client/intake.h"

#include <algorithm>
#include <array>
#include <utility>

#include "k8s_client/object_kinds.h"

namespace k8s_client {
namespace {

/// Many objects at once make one publication; few enough to cost little memory.
constexpr std::size_t kListBatch = 64;

template <std::size_t Kind>
Object bare(const ObjectName& name) {
    std::variant_alternative_t<Kind, Object> object;
    object.meta.ns = name.ns;
    object.meta.name = name.name;
    return object;
}

}  // namespace

Change deletion(std::size_t kind, const ObjectName& name) {
    constexpr std::array kMakers = {bare<0>, bare<1>, bare<2>, bare<3>, bare<4>};
    static_assert(kMakers.size() == kKindCount);
    return {Change::Type::Deleted, kMakers.at(kind)(name)};
}

void Intake::begin() {
    flush();
    too_old_ = went_back_ = list_ended_ = initial_events_ended_ = false;
    status_.reset();
}

void Intake::start_list(std::uint64_t at_least, Inventory::Said said) {
    begin();
    inventory_.begin_list();
    listing_ = true;
    said_ = said;
    at_least_ = at_least;
    version_ = 0;
    continue_token_.clear();
}

void Intake::start_page() {
    list_ended_ = false;
}

void Intake::start_watch(std::uint64_t version) {
    begin();
    listing_ = false;
    said_ = Inventory::Said::ByEvent;
    at_least_ = version_ = version;
}

void Intake::complete_list() {
    flush();  // what is new is there before what is old goes
    for (const ObjectName& vanished : inventory_.end_list()) {
        batch_.push_back(deletion(kind_, vanished));
    }
    flush();
    listing_ = false;
    said_ = Inventory::Said::ByEvent;
    at_least_ = version_;
}

void Intake::flush() {
    if (!batch_.empty()) {
        sink_.apply(batch_);
        batch_.clear();
    }
}

void Intake::take(Object object, std::size_t /*document*/) {
    const ObjectMeta& meta = meta_of(object);
    if (object.index() != kind_) {
        skip(full_name_of(object) + " among objects of another kind");
        return;
    }
    remember(meta.resource_version);
    if (inventory_.put(meta, said_) == Inventory::Put::Changed) {
        if (auto* slice = std::get_if<EndpointSlice>(&object); slice != nullptr && listing_) {
            slice->triggered.at.reset();  // it may have changed long ago
        }
        add({Change::Type::Applied, std::move(object)});
    }
}

void Intake::absent(const ObjectMeta& meta) {
    remember(meta.resource_version);
    if (inventory_.put_absent(meta, said_)) {
        add(deletion(kind_, {meta.ns, meta.name}));
    }
}

void Intake::deleted(const ObjectMeta& meta) {
    remember(meta.resource_version);
    if (inventory_.remove(meta)) {
        add(deletion(kind_, {meta.ns, meta.name}));
    }
}

void Intake::add(Change change) {
    batch_.push_back(std::move(change));
    if (listing_ && batch_.size() >= kListBatch) {
        flush();
    }
}

/// An object that is refused is refused in each of its versions: one line is enough. And whoever
/// may write objects must not fill the log with them.
void Intake::skip(const std::string& message) {
    sink_.refused_objects(1);
    if (message == last_skipped_) {
        return;
    }
    last_skipped_ = message;
    if (!lines_.take(LineBudget::Clock::now())) {
        return;
    }
    const std::size_t left_out = lines_.left_out();
    journal_.write(Journal::Level::Warning,
                   "an object of the API server is ignored: " + message +
                       (left_out > 0 ? "; and " + std::to_string(left_out) + " before it" : ""));
}

void Intake::pass_over(std::string_view kind) {
    skip("it is a " + std::string(kind));
}

void Intake::begin_list(const ListMeta& meta) {
    too_old_ = meta.resource_version != 0 && meta.resource_version < at_least_;
}

void Intake::end_list(const ListMeta& meta) {
    if (meta.item_kind != kind_name(kind_)) {
        // An empty list of something else must not take our objects away.
        skip(meta.item_kind + "List in place of a " + std::string(kind_name(kind_)) + "List");
        return;
    }
    too_old_ = meta.resource_version < at_least_;
    list_ended_ = true;
    version_ = meta.resource_version;
    continue_token_ = meta.continue_token;
}

void Intake::bookmark(std::uint64_t resource_version, bool initial_events_end) {
    initial_events_ended_ |= initial_events_end;
    remember(resource_version);
}

/// Objects of a list bear the versions of their last changes; the list's own comes at its end.
void Intake::remember(std::uint64_t version) {
    went_back_ |= !listing_ && version != 0 && version < at_least_;
    version_ = std::max(version_, version);
}

}  // namespace k8s_client

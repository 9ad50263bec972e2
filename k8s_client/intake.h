// What a list or watch of one resource brings, on its way to the sink.
// Knows which objects are known already (inventory.h), and passes on only what changed: an
// unchanged object stays untouched, a vanished one goes after all others have come. Knows no
// requests. One thread at a time; inventory, sink and journal are borrowed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/decode.h"
#include "k8s_client/inventory.h"
#include "k8s_client/line_budget.h"
#include "k8s_client/source.h"

namespace k8s_client {

class Intake : public ObjectReceiver {
  public:
    /// `kind`: index of the variant Object, of what the resource holds.
    Intake(std::size_t kind, Inventory& inventory, ObjectSink& sink, Journal& journal)
        : kind_(kind), inventory_(inventory), sink_(sink), journal_(journal) {}

    void set_kind(std::size_t kind) { kind_ = kind; }

    /// A list begins. It is given up if it turns out to be older than `at_least`.
    void start_list(std::uint64_t at_least, Inventory::Said said);
    void start_page();
    /// A watch from `version` on begins.
    void start_watch(std::uint64_t version);
    /// The list is complete: what it did not name is gone. Everything reaches the sink.
    void complete_list();
    /// Makes what was taken visible, as one batch.
    void flush();

    /// Since start_list() or start_watch(): of the list, or of the newest event or bookmark.
    std::uint64_t version() const { return version_; }
    const std::string& continue_token() const { return continue_token_; }
    bool too_old() const { return too_old_; }
    bool list_ended() const { return list_ended_; }
    /// A watch brought what is older than its begin: the server's versions may have restarted.
    bool went_back() const { return went_back_; }
    bool initial_events_ended() const { return initial_events_ended_; }
    const std::optional<ApiStatus>& status() const { return status_; }

    // ObjectReceiver
    void take(Object object, std::size_t document) override;
    void skip(const std::string& message) override;
    void pass_over(std::string_view kind) override;
    bool wants_more() const override { return !too_old_; }
    void absent(const ObjectMeta& meta) override;
    void begin_list(const ListMeta& meta) override;
    void end_list(const ListMeta& meta) override;
    void deleted(const ObjectMeta& meta) override;
    void bookmark(std::uint64_t resource_version, bool initial_events_end) override;
    void status(const ApiStatus& status) override { status_ = status; }

  private:
    void remember(std::uint64_t version);
    void begin();
    void add(Change change);

    std::size_t kind_;
    Inventory& inventory_;
    ObjectSink& sink_;
    Journal& journal_;
    std::vector<Change> batch_;
    bool listing_ = false;
    Inventory::Said said_ = Inventory::Said::ByEvent;
    bool too_old_ = false;
    bool list_ended_ = false;
    bool initial_events_ended_ = false;
    bool went_back_ = false;
    std::uint64_t at_least_ = 0;  // of a list; of what a watch brings
    std::uint64_t version_ = 0;
    std::string continue_token_;
    std::optional<ApiStatus> status_;
    std::string last_skipped_;
    LineBudget lines_;
};

/// The deletion of an object of that kind (index of the variant Object).
Change deletion(std::size_t kind, const ObjectName& name);

}  // namespace k8s_client

#include "k8s_client/resource_requests.h"

#include <functional>
#include <utility>

#include "k8s_client/api_group.h"

namespace k8s_client {
namespace {

/// A silent server is a dead one. Bookmarks come about once a minute, so a watch that lives is
/// never silent for longer
/// (https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks).
constexpr std::chrono::seconds kListSilence{30};
constexpr std::chrono::seconds kWatchSilence{80};

/// Only the list's own version is wanted.
class VersionReceiver : public ObjectReceiver {
  public:
    void take(Object, std::size_t) override {}
    void skip(const std::string&) override {}
    void pass_over(std::string_view) override {}
    bool take_meta(const ObjectMeta&) override { return true; }
    void end_list(const ListMeta& meta) override { version = meta.resource_version; }

    std::uint64_t version = 0;
};

}  // namespace

/// A watch while it is open.
class ResourceRequests::WatchSession : public WatchProgress {
  public:
    WatchSession(ResourceRequests& requests, const std::atomic<bool>& give_up,
                 const std::function<void()>& begun, bool begins_with_list)
        : requests_(requests), give_up_(give_up), begun_(begun), listing_(begins_with_list) {}

    /// What was asked for before the request was under way has interrupted nothing, and a watch may
    /// be silent for a minute.
    bool begun() override {
        if (give_up_.load(std::memory_order_relaxed)) {
            return false;
        }
        if (!listing_) {
            begun_();
        }
        return true;
    }

    bool events_decoded() override {
        Intake& intake = requests_.intake_;
        if (intake.status()) {
            return false;
        }
        if (!listing_) {
            intake.flush();
            requests_.version_.store(intake.version(), std::memory_order_release);
            requests_.progressed_ = true;
        } else if (intake.initial_events_ended()) {
            listing_ = false;
            requests_.complete_list();
            requests_.progressed_ = true;
            begun_();
        }
        return !intake.went_back() && !give_up_.load(std::memory_order_relaxed);
    }

  private:
    ResourceRequests& requests_;
    const std::atomic<bool>& give_up_;
    const std::function<void()>& begun_;
    bool listing_;
};

ResourceRequests::ResourceRequests(const ApiResource& resource, Selection selection, HttpGet& http,
                                   RequestGate& gate, StopSignal& stop, ObjectSink& sink,
                                   Journal& journal)
    : resource_(&resource),
      selection_(std::move(selection)),
      http_(http),
      gate_(gate),
      stop_(stop),
      sink_(sink),
      intake_(resource.kind, inventory_, sink, journal),
      random_(std::random_device{}()) {}

Ending ResourceRequests::get(const std::string& target, ObjectReceiver& receiver) {
    verb_ = "list";
    const auto pass = gate_.enter(RequestGate::Kind::Other, stop_);
    HttpRequest request;
    request.target = target;
    request.idle_limit = kListSilence;
    Ending ending = get_document(http_, request, receiver, heartbeat_);
    intake_.flush();  // what is in the inventory has reached the sink, however the list ended
    return ending;
}

Ending ResourceRequests::get_watch(const std::string& target, WatchSession& session) {
    verb_ = "watch";
    progressed_ = false;
    const auto pass = gate_.enter(RequestGate::Kind::Watch, stop_);
    HttpRequest request;
    request.target = target;
    request.idle_limit = kWatchSilence;
    request.is_watch = true;
    Ending ending = get_events(http_, request, intake_, session, heartbeat_);
    intake_.flush();
    return intake_.status() ? ending_of(*intake_.status()) : ending;
}

/// So that the watches of many clients do not end together.
std::chrono::seconds ResourceRequests::watch_timeout() {
    return std::chrono::seconds(std::uniform_int_distribution(300, 600)(random_));
}

Ending ResourceRequests::list_at_once() {
    const std::uint64_t known = version();
    intake_.start_list(known, Inventory::Said::ByList);
    Ending ending = get(known == 0 ? list_target(resource(), selection_)
                                   : list_target_since(resource(), selection_, known),
                        intake_);
    if (intake_.too_old()) {
        return {Ending::Kind::TooLarge, 0, "the API server lists an older state than it did", {}};
    }
    if (ending.kind == Ending::Kind::Complete) {
        if (!intake_.list_ended() || intake_.version() == 0) {
            return {Ending::Kind::Malformed, 0, "the response is no list", {}};
        }
        complete_list();
    }
    return ending;
}

Ending ResourceRequests::list_in_pages(bool versions_restarted) {
    intake_.start_list(versions_restarted ? 0 : version(), Inventory::Said::ByTruth);
    do {
        intake_.start_page();
        const std::string target =
            page_target(resource(), selection_, kPageSize, intake_.continue_token());
        Ending ending = get(target, intake_);
        if (ending.kind != Ending::Kind::Complete) {
            return ending;
        }
        if (!intake_.list_ended() || intake_.version() == 0) {
            return {Ending::Kind::Malformed, 0, "the response is no list", {}};
        }
    } while (!intake_.continue_token().empty());
    complete_list();
    return {};
}

Ending ResourceRequests::list_by_watch(const std::atomic<bool>& give_up,
                                       const std::function<void()>& on_listed) {
    const std::uint64_t known = version();
    intake_.start_list(known, Inventory::Said::ByList);
    WatchSession session(*this, give_up, on_listed, true);
    return get_watch(streaming_list_target(resource(), selection_, known, watch_timeout()),
                     session);
}

Ending ResourceRequests::watch(const std::atomic<bool>& give_up,
                               const std::function<void()>& on_begun) {
    intake_.start_watch(version());
    WatchSession session(*this, give_up, on_begun, false);
    return get_watch(watch_target(resource(), selection_, version(), watch_timeout()), session);
}

/// A list of one object says the version that etcd has: it is never behind, as a server's memory
/// may be
/// (https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter).
Ending ResourceRequests::current_version(std::uint64_t& version) {
    VersionReceiver receiver;
    Ending ending = get(page_target(resource(), selection_, 1, ""), receiver);
    version = receiver.version;
    if (ending.kind == Ending::Kind::Complete && version == 0) {
        return {Ending::Kind::Malformed, 0, "the response is no list", {}};
    }
    return ending;
}

Ending ResourceRequests::find_endpoint_resource(const ApiResource*& resource) {
    const auto pass = gate_.enter(RequestGate::Kind::Other, stop_);
    ApiGroup group;
    Ending ending = get_api_group(http_, "discovery.k8s.io", group, heartbeat_);
    if (ending.kind == Ending::Kind::NotFound) {
        resource = &kEndpoints;
        return {};
    }
    if (ending.kind == Ending::Kind::Complete) {
        resource = group.has("v1")        ? &kEndpointSlices
                   : group.has("v1beta1") ? &kEndpointSlicesBeta
                                          : &kEndpoints;
    }
    return ending;
}

void ResourceRequests::use(const ApiResource& resource) {
    const ApiResource& before = *resource_.exchange(&resource, std::memory_order_relaxed);
    if (before.kind == resource.kind) {
        return;  // the same objects under another version
    }
    for (const ObjectName& name : inventory_.clear()) {
        leftovers_.push_back(deletion(before.kind, name));
    }
    intake_.set_kind(resource.kind);
    version_.store(0, std::memory_order_release);
}

void ResourceRequests::complete_list() {
    intake_.complete_list();
    if (!leftovers_.empty()) {
        sink_.apply(leftovers_);
        leftovers_.clear();
    }
    version_.store(intake_.version(), std::memory_order_release);
}

}  // namespace k8s_client

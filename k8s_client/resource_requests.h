// The requests that keep one resource: its lists, its watch, and the small questions between them.
// Knows parameters and what a response brings (intake.h); knows no policy: when to ask what is the
// reflector's. One thread asks; version(), resource() and heard_at() may be read by any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "k8s_client/api_resource.h"
#include "k8s_client/api_response.h"
#include "k8s_client/http_get.h"
#include "k8s_client/intake.h"
#include "k8s_client/inventory.h"
#include "k8s_client/request_gate.h"
#include "k8s_client/stop_signal.h"

namespace k8s_client {

class ResourceRequests {
  public:
    ResourceRequests(const ApiResource& resource, Selection selection, HttpGet& http,
                     RequestGate& gate, StopSignal& stop, ObjectSink& sink, Journal& journal);

    /// One list from the server's memory, not older than version().
    Ending list_at_once();
    /// What is true now, in pages. With `versions_restarted` its versions may be lower than ours.
    Ending list_in_pages(bool versions_restarted);
    /// A watch that begins with a list; returns when the watch ends. `on_listed` is called between.
    /// With `give_up` set, a watch ends as it opens, or with its next piece.
    Ending list_by_watch(const std::atomic<bool>& give_up, const std::function<void()>& on_listed);
    /// From version() on; returns when the watch ends. `on_begun`: the server has accepted it.
    Ending watch(const std::atomic<bool>& give_up, const std::function<void()>& on_begun);
    /// The version that is true now.
    Ending current_version(std::uint64_t& version);
    /// Asks which version of discovery.k8s.io there is.
    Ending find_endpoint_resource(const ApiResource*& resource);

    /// From now on `resource` is asked for; what was kept goes when its first list is complete.
    void use(const ApiResource& resource);

    const ApiResource& resource() const { return *resource_.load(std::memory_order_relaxed); }
    const Selection& selection() const { return selection_; }
    /// RBAC's verb of the last request.
    const char* verb() const { return verb_; }
    /// Since the last watch began: an event or bookmark came; one was older than the watch.
    bool watch_progressed() const { return progressed_; }
    bool watch_went_back() const { return intake_.went_back(); }

    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
    std::chrono::steady_clock::duration heard_at() const { return heartbeat_.at(); }
    Inventory& inventory() { return inventory_; }

  private:
    class WatchSession;

    Ending get(const std::string& target, ObjectReceiver& receiver);
    Ending get_watch(const std::string& target, WatchSession& session);
    void complete_list();
    std::chrono::seconds watch_timeout();

    std::atomic<const ApiResource*> resource_;
    Selection selection_;
    HttpGet& http_;
    RequestGate& gate_;
    StopSignal& stop_;
    ObjectSink& sink_;
    Inventory inventory_;
    Intake intake_;
    Heartbeat heartbeat_;
    std::atomic<std::uint64_t> version_{0};
    std::vector<Change> leftovers_;  // of the kind that was used before
    const char* verb_ = "list";
    bool progressed_ = false;
    std::minstd_rand random_;
};

}  // namespace k8s_client

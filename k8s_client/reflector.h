// Keeps the objects of one resource as they are at the API server: list, watch, and list again when
// the watch can't go on.
// Knows what each ending of a request means for the next one; the requests themselves are
// resource_requests.h. run() is one thread's; the rest may be called from any other. What the
// constructor is given is borrowed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "k8s_client/api_observer.h"
#include "k8s_client/backoff.h"
#include "k8s_client/complaints.h"
#include "k8s_client/resource_requests.h"
#include "k8s_client/stop_signal.h"

namespace k8s_client {

/// How long to wait before a request is tried again: from the shortest on, longer each time.
struct RetryPace {
    std::chrono::milliseconds connect_shortest{200};  // no connection, or a broken one
    std::chrono::milliseconds connect_longest{2'000};
    std::chrono::milliseconds error_shortest{800};  // an answer that is of no use
    std::chrono::milliseconds error_longest{30'000};
};

class Reflector {
  public:
    struct Surroundings {
        HttpGet& http;  // its own
        ObjectSink& sink;
        Journal& journal;
        Complaints& complaints;
        RequestGate& gate;
        StopSignal& stop;
        ApiObserver* observer = nullptr;  // null: nobody counts
    };

    /// kEndpointSlices stands for whichever version of it the API has, else for kEndpoints.
    /// `listed` is called once, when the first list is complete.
    Reflector(const ApiResource& resource, Selection selection, const Surroundings& surroundings,
              std::function<void()> listed, const RetryPace& pace = {});

    /// Until the stop signal is raised and `http` is stopped.
    void run();

    /// Every event up to it has been applied.
    std::uint64_t version() const { return requests_.version(); }
    /// Ends the watch, and lists what is true now.
    void ask_for_relist();
    /// When the server was last heard, on the steady clock; zero: never.
    std::chrono::steady_clock::duration heard_at() const { return requests_.heard_at(); }

    Inventory& inventory() { return requests_.inventory(); }
    const ApiResource& resource() const { return requests_.resource(); }
    const Selection& selection() const { return requests_.selection(); }

  private:
    Ending step();
    Ending list();
    Ending streaming_list();
    Ending watch();
    Ending find_resource();
    Ending check_versions();
    void listed();
    void made_progress();
    void react(const Ending& ending);
    void reconnect(const Ending& ending);
    void retry_later(const Ending& ending);
    void complain(const Ending& ending);
    void pause(Backoff& backoff, const Ending& ending);

    HttpGet& http_;
    Complaints& complaints_;
    Journal& journal_;
    StopSignal& stop_;
    ApiObserver* observer_;
    ResourceRequests requests_;
    std::function<void()> first_listed_;  // empty once called
    std::atomic<bool> relist_asked_{false};

    // The thread's own.
    bool has_versions_;  // the resource is served in several API versions
    bool find_resource_;
    bool is_gone_ = false;  // the version that was found
    bool needs_list_ = true;
    bool may_stream_ = true;
    bool consistent_ = false;          // list what is true now, not what the server remembers
    bool watching_ = false;            // the server has accepted the watch
    bool doubts_versions_ = false;     // the server may be another one, or a restored one
    bool versions_restarted_ = false;  // it was restored: what it has now counts
    unsigned fruitless_ = 0;           // requests in a row that brought nothing
    Backoff connect_backoff_;
    Backoff error_backoff_;
};

}  // namespace k8s_client

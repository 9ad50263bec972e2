// Answers HTTP for health, ready and metrics: one thread with an event loop of its own.
// Knows how a set of listeners replaces another while it runs; knows nothing of what is said. Owns
// thread, listeners and connections. Made, changed and destroyed by one thread, which sees all
// members but run().
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "server/event_poll.h"
#include "server/http_connections.h"
#include "server/http_listeners.h"

namespace server {

class HttpResponder {
  public:
    /// `metrics` null: nobody counts; else it outlives this.
    explicit HttpResponder(HttpLimits limits = {}, RareMetrics* metrics = nullptr);
    ~HttpResponder();
    HttpResponder(const HttpResponder&) = delete;
    HttpResponder& operator=(const HttpResponder&) = delete;

    /// Opens what `endpoints` need and is not open, and changes nothing else: what listens already
    /// goes on as it was, and what is in the result is closed with it unless it is committed.
    /// Throws ConfigError.
    HttpListeners prepare(const std::vector<HttpEndpoint>& endpoints,
                          std::vector<InheritedHttpListener> inherited = {}) const {
        return make_http_listeners(endpoints, listeners_, std::move(inherited));
    }

    /// Puts `prepared` in place of what was. Connections of listeners that stay, stay. When it
    /// returns no handler of before runs, or will run, any more. The first set starts the thread.
    void commit(HttpListeners prepared);

    /// What listens now, for a process that takes over, and to be announced.
    const HttpListeners& listeners() const { return listeners_; }

  private:
    using Clock = HttpConnections::Clock;

    void run();
    void dispatch(const epoll_event& event, Clock::time_point now);
    void take_change();
    void pause(std::uint32_t index);
    void resume_listeners();
    void wake();

    EventPoll poll_;
    Fd wake_event_;
    HttpListeners listeners_;  // of the owner's thread

    std::mutex mutex_;  // guards the next three
    const HttpListeners* next_ = nullptr;
    bool stop_ = false;
    std::condition_variable taken_;

    // Of the responder's thread:
    bool woken_ = false;
    bool stopping_ = false;
    HttpListeners serving_;
    std::vector<std::uint32_t> paused_;  // out of descriptors, until the next tick
    HttpConnections connections_;

    std::thread thread_;  // after all that it uses
};

}  // namespace server

// Listens for `status`, and answers there: the page of the process and its JSON.
// Knows connections, threads and limits; what is said is the routes', how is status_http.h's. Apart
// from HttpResponder, so that a handler that takes its time holds up no probe. Heads are read by
// one thread, without waiting for any of them; complete ones go to a pool of four. Owns threads and
// listeners. Made, changed and destroyed by one thread, which sees all members but the threads'
// own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/http_listeners.h"
#include "server/rare_metrics.h"
#include "server/status_head.h"
#include "server/status_http.h"

namespace server {

struct StatusLimits {
    std::size_t threads = 4;
    std::size_t head = 16'384;     // octets: cookies of all that is on localhost come too
    std::size_t connections = 64;  // whose head is being read
    std::size_t waiting = 64;      // for a thread
    std::chrono::milliseconds request{2000};  // for a whole head
    std::chrono::milliseconds reply{5000};    // for it to be read
};

class StatusServer {
  public:
    /// `metrics` null: nobody counts; else it outlives this.
    explicit StatusServer(StatusRoutes routes, RareMetrics* metrics = nullptr,
                          StatusLimits limits = {});
    /// Answers what it has accepted, if that does not take long.
    ~StatusServer();
    StatusServer(const StatusServer&) = delete;
    StatusServer& operator=(const StatusServer&) = delete;

    /// What a configuration asks for, its new socket open. To be committed, or dropped.
    struct Prepared {
        HttpListeners listeners;  // none, or one
        std::string host;
    };

    /// Opens what is neither open nor in `inherited`, out of which it takes its own. Throws
    /// ConfigError; until commit() nothing has changed.
    Prepared prepare(const std::optional<StatusConfig>& config,
                     std::vector<InheritedHttpListener>& inherited) const;

    /// Puts it in place of what was: the same address stays open, another one is open before the
    /// old one is closed. The first that listens starts the threads.
    void commit(Prepared prepared);

    /// What listens now, for a process that takes over, and to be announced.
    const HttpListeners& listeners() const { return listeners_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Connection {
        Fd fd;
        StatusHead head;
        Clock::time_point until;  // the head must be complete
        int refused = 0;          // the status, if it is not
    };

    void start();
    void accept_all();
    void finish_heads();
    void take_change();
    void wait_for_news();
    void accept_from(int listener);
    bool read_head(Connection& connection);
    void give_up_late(Clock::time_point now);
    void hand_on(Connection connection);
    void answer_all();
    void answer(Connection connection);
    void count(const char* limit);
    void wake() const;

    const StatusLimits limits_;
    RareMetrics* metrics_;
    StatusHttp http_;
    Fd wake_event_;
    HttpListeners listeners_;  // of the owner's thread

    std::mutex mutex_;  // guards the next five
    const HttpListeners* next_ = nullptr;
    bool stop_ = false;
    std::optional<Clock::time_point> last_answer_;  // once no head is read any more
    std::deque<Connection> complete_;               // heads; for the pool
    std::condition_variable taken_, work_;

    // Of the accepting thread:
    HttpListeners serving_;
    std::vector<Connection> reading_;
    Clock::time_point paused_until_{};  // out of descriptors
    bool stopping_ = false;

    std::vector<std::thread> threads_;
};

}  // namespace server

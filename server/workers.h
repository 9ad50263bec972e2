// The workers of the process, their threads, and which sockets they have.
// Knows how many there are and what is open where; knows nothing of queries. Owns the workers and
// joins their threads when it goes. On the main thread only.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "server/heartbeats.h"
#include "server/worker.h"

namespace server {

/// Sockets that another process has opened, to be used before any are opened anew.
using InheritedSockets = std::vector<ListenSockets>;

class Workers {
  public:
    /// For each worker what is opened for it.
    using Opened = std::vector<std::vector<ListenSockets>>;

    /// Where a socket of some worker is; its descriptors stay theirs.
    struct Open {
        Listen listen;
        int udp;
        int tcp;
    };

    explicit Workers(unsigned count) : count_(count), heartbeats_(count) {}
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    unsigned count() const { return count_; }

    /// Whether the loop of one hangs. Any thread may ask.
    bool stuck() const { return heartbeats_.stuck(Heartbeats::Clock::now()); }

    /// Opens for every worker the addresses that it does not have. Throws ConfigError, and then
    /// nothing has changed. What is inherited for other addresses is closed.
    Opened open(const std::vector<Listen>& listens, InheritedSockets inherited = {}) const;

    /// Serves `routing` from now on; `opened` came from open() with all of its addresses. The first
    /// call starts the threads. Who keeps `routing` alive sees by its use count when no worker
    /// needs it any more.
    void serve(const std::shared_ptr<const Routing>& routing, Opened opened);

    /// Tells all to stop and waits until they have.
    void stop(Worker::Stop how);

    /// Addresses that are being served.
    std::vector<Listen> held() const;
    const std::vector<Open>& sockets() const { return open_; }

  private:
    void start(const std::shared_ptr<const Routing>& routing, Opened opened);

    unsigned count_;
    Heartbeats heartbeats_;
    std::vector<Open> open_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::thread> threads_;
};

}  // namespace server

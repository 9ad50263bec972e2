// One worker: an event loop with its own sockets, connections and forwarders.
// Knows how the parts meet, and how one routing follows another; shares nothing that it writes with
// other workers. run() is the thread's function; adopt() and stop() may be called from any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "server/event_poll.h"
#include "server/heartbeats.h"
#include "server/pipeline.h"
#include "server/tcp_connections.h"
#include "server/udp_socket.h"

namespace server {

class Worker : private resolver::Reactor, private ReplySender {
  public:
    enum class Stop {
        Drain,     // serve what has arrived, until nothing is left
        HandOver,  // another process reads the same sockets: only finish what was begun
    };

    /// `sockets` are its own, for all routes of `routing`; `index` is its number among the workers.
    /// `heartbeats` null: nobody asks whether it hangs.
    Worker(std::shared_ptr<const Routing> routing, std::vector<ListenSockets> sockets,
           std::size_t index = 0, Heartbeats* heartbeats = nullptr);
    ~Worker() override;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Serves until stop(), and then until all who have asked have their reply, for 5 s at most
    /// (15 s after HandOver, for idle connections to end).
    void run();
    void stop(Stop how = Stop::Drain);

    /// From its next round on the worker serves `routing`, with `opened` for the routes that it had
    /// no sockets for. Sockets without a route are emptied and closed; what waits for an upstream
    /// of the routing before gets its reply. That is let go of once nothing needs it, within 5 s.
    void adopt(std::shared_ptr<const Routing> routing, std::vector<ListenSockets> opened);

  private:
    using Clock = Pipeline::Clock;

    /// A routing, and what this worker does with it.
    struct Served;
    /// The sockets of one address. Its index is what clients carry.
    struct Address {
        Listen listen;
        const Route* route;  // null: only late replies still leave by it
        UdpSocket udp;
        Fd tcp;
        bool paused = false;       // the listener, until the next tick: out of descriptors
        unsigned busy_rounds = 0;  // one after the other in which more was there than got its turn
    };
    struct Adoption {
        std::shared_ptr<const Routing> routing;
        std::vector<ListenSockets> opened;
    };

    void add_address(ListenSockets sockets);
    void obey(Clock::time_point now);
    void switch_to(Adoption adoption, Clock::time_point now);
    void retire_addresses(Served& former, Clock::time_point now);
    void begin_round(Clock::time_point now);
    void end_round();
    void dispatch(const epoll_event& event, Clock::time_point now);
    void serve_udp(Address& address);
    void accept(std::uint32_t index, Clock::time_point now);
    void tick(Clock::time_point now);
    void end_former(Clock::time_point now);
    void flush(Clock::time_point now);
    void begin_stop(Stop how, Clock::time_point now);
    bool is_idle() const;
    bool is_done(int events, Clock::time_point now) const;
    std::size_t waiting() const;

    void watch(int fd, bool readable, bool writable) override;
    void send(const Client& client, const std::uint8_t* reply, std::size_t size) override;

    const std::size_t index_;
    Heartbeats* const heartbeats_;
    EventPoll poll_;
    Fd wake_event_;
    std::mutex mutex_;  // guards the two orders
    std::optional<Adoption> adoption_;
    std::optional<Stop> stop_;
    std::optional<Stop> stopping_;
    Clock::time_point stop_by_{};
    std::vector<bool> upstream_watched_;  // by descriptor
    std::unique_ptr<UdpBatch> batch_;
    std::vector<std::unique_ptr<Address>> addresses_;  // null: closed
    std::unique_ptr<Served> served_;
    std::vector<std::unique_ptr<Served>> former_;  // with queries that wait for upstreams
    TcpConnections tcp_;
};

/// How many workers fit: the CPUs that affinity and the cgroup's quota allow, at most 4, so that a
/// node of 96 cores does not pay for 96 sets of buffers.
unsigned fitting_workers();

}  // namespace server

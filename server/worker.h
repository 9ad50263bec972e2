// One worker: an event loop with its own sockets, connections, forwarders and counters.
// Knows how the parts meet; shares nothing that it writes with other workers. The constructor opens
// the sockets on the caller's thread; run() is the thread's function; stop() may be called from
// any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "server/event_poll.h"
#include "server/pipeline.h"
#include "server/tcp_connections.h"
#include "server/udp_socket.h"

namespace server {

class Worker : private resolver::Reactor, private ReplySender {
  public:
    /// Throws ConfigError if a socket cannot be opened. `routing` must outlive the worker.
    explicit Worker(const Routing& routing);
    ~Worker() override;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Serves until stop(); then takes no more queries, and returns once those that wait for an
    /// upstream have their reply.
    void run();
    void stop();

  private:
    struct Listener {
        Fd fd;
        const Route* route;
        bool paused = false;  // until the next tick: out of descriptors
    };

    void open_sockets(const Routing& routing);
    void dispatch(const epoll_event& event, Pipeline::Clock::time_point now);
    void accept(std::uint32_t index, Pipeline::Clock::time_point now);
    void tick(Pipeline::Clock::time_point now);
    void flush();
    void stop_listening(Pipeline::Clock::time_point now);

    void watch(int fd, bool readable, bool writable) override;
    void send(const Client& client, const std::uint8_t* reply, std::size_t size) override;

    EventPoll poll_;
    Fd stop_event_;
    bool stopping_ = false;
    Pipeline::Clock::time_point stop_by_{};
    std::vector<bool> upstream_watched_;  // by descriptor
    std::unique_ptr<UdpBatch> batch_;
    std::vector<UdpSocket> udp_;
    std::vector<Listener> listeners_;
    Pipeline pipeline_;
    TcpConnections tcp_;
};

/// How many workers fit: the CPUs that affinity and the cgroup's quota allow, at most 4, so that a
/// node of 96 cores does not pay for 96 sets of buffers.
unsigned fitting_workers();

}  // namespace server

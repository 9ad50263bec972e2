// The one TCP connection of a client, which any thread may cut.
// Knows addresses, time-outs and socket options; knows no TLS and no HTTP. begin(), connect() and
// end() from one thread at a time, interrupt() and stop() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include <tl/expected.hpp>

#include "k8s_client/file_descriptor.h"

struct addrinfo;

namespace k8s_client {

class StoppableSocket {
  public:
    struct Limits {
        std::chrono::milliseconds connect;  // over all addresses of the host together
        std::chrono::milliseconds read;     // SO_RCVTIMEO
        std::chrono::milliseconds write;    // SO_SNDTIMEO
    };

    /// Until end(), interrupt() and stop() have something to end.
    void begin();

    /// A connected, blocking socket that the caller has to close, or one line that says why not.
    /// A host that is a name is looked up first, which nothing bounds but resolv.conf(5).
    tl::expected<int, std::string> connect(const std::string& host, std::uint16_t port,
                                           const Limits& limits);

    /// The caller has closed its socket.
    void end();

    /// What was begun ends as if the peer had closed the connection.
    void interrupt();

    /// As interrupt(), and for good: nothing will connect again.
    void stop();
    bool stopped() const { return stopped_; }

  private:
    using Clock = std::chrono::steady_clock;

    int try_address(const addrinfo& address, Clock::time_point deadline);
    int start(FileDescriptor socket, const addrinfo& address);
    int finish(Clock::time_point deadline) const;

    void cut();

    std::atomic<bool> stopped_ = false;
    std::mutex mutex_;  // guards the rest
    bool is_under_way_ = false;
    bool is_interrupted_ = false;
    FileDescriptor socket_;  // ours; the caller has a duplicate
};

}  // namespace k8s_client

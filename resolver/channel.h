// One c-ares channel to one upstream over one transport: a socket's worth of exchanges in flight.
// Knows how to send a finished message and what came of it; knows no question, no retry and no
// client. c-ares calls back from inside its own functions: those callbacks only store, enqueue or
// tell the reactor, and the owner handles the queue once c-ares has returned. Lives on one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <netinet/in.h>
#include <span>
#include <variant>
#include <vector>

#include "resolver/forward.h"

namespace resolver {

using Clock = std::chrono::steady_clock;

enum class Transport {
    Udp,       // with our OPT record
    UdpPlain,  // for messages without OPT: c-ares must not look for one to cut off
    Tcp,       // with or without OPT
};

struct ServerAddress {
    std::variant<in_addr, in6_addr> address;
    std::uint16_t port = 53;
};

class Channel;

enum class Outcome { Reply, Timeout, Failed };

/// What a channel knows of one message in flight. It stays where it is from send() until it has
/// been taken from the queue, or until its channel is gone, which drops it.
struct Exchange {
    Channel* channel = nullptr;
    Outcome outcome = Outcome::Failed;
    std::vector<std::uint8_t> reply;
};

/// Finished exchanges in the order they finished; the owner takes them out.
using FinishedQueue = std::vector<Exchange*>;

/// Which channel a descriptor belongs to; tells the reactor what to wait for.
class SocketTable {
  public:
    explicit SocketTable(Reactor& reactor) : reactor_(reactor) {}
    void watch(Channel& channel, int fd, bool readable, bool writable);
    Channel* find(int fd) const;

  private:
    Reactor& reactor_;
    std::vector<Channel*> channels_;  // by descriptor
};

class Channel {
  public:
    Channel(SocketTable& sockets, FinishedQueue& finished)
        : sockets_(sockets), finished_(finished) {}
    ~Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// False if c-ares has no memory for it.
    bool open(const ServerAddress& server, Transport transport, std::chrono::milliseconds timeout);

    /// The exchange is in the queue once it has come to its end, perhaps before this returns.
    void send(std::span<const std::uint8_t> message, Exchange& exchange);
    void process(int fd, bool readable, bool writable);
    void process_timeouts();

    /// The owner has taken `exchange` from the queue and is done with this channel for its sake.
    void settle(Exchange& exchange);

    /// Takes no more exchanges, whatever its age.
    void retire() { retired_ = true; }
    bool retired() const { return retired_; }
    bool idle() const { return in_flight_ == 0; }
    std::size_t sent() const { return sent_; }
    Clock::time_point opened() const { return opened_; }

  private:
    struct Callbacks;
    struct Destroy {
        void operator()(void* channel) const;
    };

    SocketTable& sockets_;
    FinishedQueue& finished_;
    std::size_t in_flight_ = 0;
    std::size_t sent_ = 0;
    Clock::time_point opened_ = Clock::now();
    bool retired_ = false;
    std::unique_ptr<void, Destroy> cares_;  // last: ares_destroy() calls back into the above
};

}  // namespace resolver

// One c-ares channel to one upstream over one transport: a socket's worth of exchanges in flight.
// Knows how to send a query and what came of it, and looks at each datagram before c-ares does:
// one that answers nothing on this socket is a stray, and tells of somebody who guesses ids. Knows
// no retry and no client. c-ares calls back from inside its own functions: those callbacks only
// store, enqueue or tell the reactor, and the owner handles the queue once c-ares has returned.
// Lives on one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <sys/socket.h>
#include <variant>
#include <vector>

#include "resolver/forward.h"
#include "resolver/socket_table.h"
#include "resolver/udp_port.h"
#include "resolver/upstream_query.h"

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

/// nullopt if the text is no address.
std::optional<ServerAddress> parse_server(const Upstream& upstream);

/// Where a channel's exchanges go, and how.
struct ChannelSettings {
    ServerAddress server;
    Transport transport = Transport::Udp;
    std::chrono::milliseconds timeout{2000};
    std::optional<ServerAddress> source;  // bound to if of the server's family; its port is ignored
};

class Channel;

enum class Outcome {
    Reply,
    Timeout,
    Failed,
    Abandoned,  // strays came in on its socket, which is closed; nothing tells against the server
};

/// What a channel knows of one message in flight. It stays where it is from send() until it has
/// been taken from the queue, or until its channel is gone, which drops it.
struct Exchange {
    Channel* channel = nullptr;
    const UpstreamQuery* query = nullptr;  // as sent; unchanged until the exchange has ended
    Outcome outcome = Outcome::Failed;
    int system_error = 0;  // of Outcome::Failed; 0: none is known
    std::vector<std::uint8_t> reply;
    std::size_t datagram_size = 0;  // as it came; c-ares cuts what is longer than we asked for
};

/// Finished exchanges in the order they finished; the owner takes them out.
using FinishedQueue = std::vector<Exchange*>;

class Channel {
  public:
    Channel(SocketTable& sockets, FinishedQueue& finished, UpstreamCounters& counters)
        : sockets_(sockets), finished_(finished), counters_(counters) {}
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// False if c-ares has no memory for it.
    bool open(const ChannelSettings& settings);

    /// Sends `query` under `id`. The exchange is in the queue once it has come to its end, perhaps
    /// before this returns. Datagrams leave with SocketTable::flush(). True if a socket was opened.
    bool send(UpstreamQuery& query, std::uint16_t id, bool edns, Exchange& exchange);
    /// May leave datagrams unread: the reactor is to say so again.
    void process(int fd, bool readable, bool writable);
    void process_timeouts();
    /// Sends the datagrams that send() has left.
    void flush();

    /// The owner has taken `exchange` from the queue and is done with this channel for its sake.
    void settle(Exchange& exchange);

    /// An idle channel begins anew, with a port of its own.
    void renew();

    /// Takes no more exchanges, whatever its age.
    void retire() { retired_ = true; }
    bool retired() const { return retired_; }
    bool idle() const { return unsettled_ == 0; }
    /// From the source port that it has now.
    std::size_t sent() const { return port_.queries(); }
    Clock::time_point opened() const { return opened_; }

  private:
    struct Callbacks;
    struct Destroy {
        void operator()(void* channel) const;
    };

    void process_datagrams();
    void hand_over(std::span<const std::size_t> datagrams, int error);
    void close_port();
    long put(std::span<const iovec> parts);
    template <typename T>
    T noted(T result);
    bool look_at(std::span<const std::uint8_t> datagram);
    void remember(std::uint16_t id);
    bool suspect() const;
    void abandon();

    SocketTable& sockets_;
    FinishedQueue& finished_;
    UpstreamCounters& counters_;
    std::optional<ServerAddress> source_;
    std::size_t unsettled_ = 0;
    struct InFlight {
        std::uint16_t id;
        Exchange* exchange;
    };
    std::vector<InFlight> in_flight_;
    bool busy_ = false;                 // had several in flight, since its port is open
    std::vector<std::uint16_t> spent_;  // ids that ended last, once for each reply to come
    std::size_t strays_ = 0;
    UdpPort port_;
    bool port_in_use_ = false;               // c-ares holds it to be open
    std::span<const std::size_t> incoming_;  // the datagrams that c-ares is to read next
    int incoming_error_ = 0;                 // or what it is to be told instead
    int system_error_ = 0;                   // of the last call that failed; c-ares does not say
    Clock::time_point opened_ = Clock::now();
    bool retired_ = false;
    bool opened_socket_ = false;            // since the last send() began
    std::unique_ptr<void, Destroy> cares_;  // last: ares_destroy() calls back into the above
};

}  // namespace resolver

// Sends a question to one of several upstream servers and hands back the reply.
// Knows upstreams, sockets (through c-ares) and time-outs; knows nothing of server blocks, of the
// client that asked, or of Kubernetes. One Forwarder serves one `forward` directive on one worker:
// every call and every callback happens on that worker's thread; nothing here blocks. The process
// must ignore SIGPIPE: c-ares writes to TCP connections that an upstream may have closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "zones/name.h"

namespace resolver {

class LoopWatch;
class UpstreamMeter;

/// An address as text without brackets ("192.0.2.1", "2001:db8::1"), and a port.
struct Upstream {
    std::string address;
    std::uint16_t port = 53;
    bool operator==(const Upstream&) const = default;
};

enum class Policy { Random, RoundRobin, Sequential };

inline constexpr std::size_t kMostUpstreams = 15;

/// How an upstream that failed is probed until it answers.
struct HealthOptions {
    std::uint32_t max_fails = 2;              // down after more failed probes; 0: never, no probes
    std::chrono::milliseconds interval{500};  // in steps of tick()
    bool recursion_desired = true;
    std::vector<std::uint8_t> domain{0};  // whose NS is asked, in wire form; the root by default
};

/// A set of response codes below 32, a bit each.
using RcodeSet = std::uint32_t;

struct ForwardOptions {
    std::vector<Upstream> upstreams;  // 1 to kMostUpstreams
    Policy policy = Policy::Random;
    bool force_tcp = false;
    bool prefer_udp = false;
    std::chrono::milliseconds read_timeout{2000};
    std::size_t max_concurrent = 0;  // questions asked of us and not answered yet; 0: no limit
    HealthOptions health;
    bool failfast = false;  // all upstreams down: fail at once instead of trying one
    /// Attempts per question that may fail; by default twice the upstreams. 0: what fits into 5 s.
    std::optional<std::uint32_t> max_connect_attempts;
    RcodeSet failover = 0;                 // such a reply: another upstream is asked
    std::chrono::milliseconds max_age{0};  // of a socket; 0: as the pool has it
    std::string source_address;            // empty: the system's choice
    /// Who finds out which upstreams loop, under which zone; null: nobody. Outlives the Forwarder.
    LoopWatch* loops = nullptr;
    zones::Name loop_zone;
    /// Called when probes have found an upstream down, and when one of them is answered again. Each
    /// Forwarder calls it for itself, on its thread.
    std::function<void(const Upstream& upstream, bool down)> told_down;
    /// Who counts for an upstream; asked for each one once, when it is taken up. Null: nobody. The
    /// meter outlives the Forwarder.
    std::function<UpstreamMeter*(const Upstream& upstream)> meter_of;
    /// Called every few seconds by tick(): other upstreams from now on, or nullopt. Each Forwarder
    /// has a copy of its own. Must not throw.
    std::function<std::optional<std::vector<Upstream>>()> reread;
};

enum class ForwardError {
    Timeout,   // no upstream answered in time
    Network,   // unreachable, refused, connection broken
    Overload,  // max_concurrent, or the pending table, is full
    Stopped,   // the forwarder is being destroyed
};

/// Why there is no reply.
struct ForwardFailure {
    ForwardError error = ForwardError::Network;
    /// Who was asked last; it lives during the call. Null: nobody was.
    const Upstream* upstream = nullptr;
    /// Of ForwardError::Network: an errno, EBADMSG for what is no reply; 0: the connection was
    /// closed, or the cause is not known.
    int cause = 0;
};

/// A reply, and who gave it; both live during the call.
struct ForwardReply {
    std::span<const std::uint8_t> message;
    const Upstream* upstream = nullptr;  // never null
};

/// A question as it goes upstream. The views need only live during ask().
struct Question {
    std::span<const std::uint8_t> qname;  // wire form, uncompressed, case as the client sent it
    std::uint16_t qtype = 0;
    std::uint16_t qclass = 1;
    bool recursion_desired = true;
    bool authentic_data = false;
    bool checking_disabled = false;
    bool dnssec_ok = false;
    bool over_tcp = false;                     // the client came over TCP
    std::chrono::milliseconds patience{5000};  // at most so long, and never more than 5 s
};

/// What one upstream was asked, and how often that came to nothing.
struct UpstreamCounters {
    std::uint64_t queries = 0;   // messages sent, retries included
    std::uint64_t failures = 0;  // time-outs, network errors, replies that answer something else
    std::uint64_t probes_failed = 0;
    std::uint64_t strays = 0;     // datagrams that answer nothing asked on their socket
    std::uint64_t abandoned = 0;  // sockets closed for strays, with questions in flight
    // Questions that found a socket open, and those that one was opened for.
    std::uint64_t udp_kept = 0, udp_opened = 0, tcp_kept = 0, tcp_opened = 0;
    bool operator==(const UpstreamCounters&) const = default;
};

/// Told what comes of one upstream's questions, on the forwarder's thread.
class UpstreamMeter {
  public:
    virtual ~UpstreamMeter() = default;
    /// A reply to a client's question, so long after that was sent; also one that is not the answer
    /// in the end.
    virtual void replied(unsigned rcode, std::chrono::nanoseconds after) = 0;
    /// What was counted since the last call: with each tick() that has something, and at the end.
    virtual void add(const UpstreamCounters& more) = 0;
    /// As told_down; an upstream that is given up comes back first.
    virtual void found_down(bool down) = 0;
};

/// What a Forwarder did for all its upstreams.
struct ForwardCounters {
    std::uint64_t merged = 0;     // questions that joined an equal one in flight
    std::uint64_t all_down = 0;   // attempts that found no upstream in good health
    std::uint64_t failovers = 0;  // replies passed over for their rcode
};

/// The event loop a Forwarder lives on: asks for process() while `fd` is ready; an error or hang-up
/// counts as readable. Both false: forget the descriptor (it is about to be closed). It outlives
/// the Forwarder.
class Reactor {
  public:
    virtual ~Reactor() = default;
    virtual void watch(int fd, bool readable, bool writable) = 0;
};

class Forwarder {
  public:
    /// A reply is a whole DNS message whose id is ours, whose question has been checked to be the
    /// one asked (RFC 5452 §9.1) and is spelled as asked, untouched otherwise. Equal questions in
    /// flight share one upstream query.
    using Completion = std::function<void(const tl::expected<ForwardReply, ForwardFailure>&)>;

    /// Throws std::invalid_argument for a number of upstreams out of range or an address that is
    /// not one, source_address included.
    Forwarder(Reactor& reactor, ForwardOptions options);
    /// Completes everything pending with ForwardError::Stopped.
    ~Forwarder();
    Forwarder(const Forwarder&) = delete;
    Forwarder& operator=(const Forwarder&) = delete;

    /// Sends what ask(), process() and tick() have left to be sent together: to be called after
    /// any number of them, before the reactor waits.
    void flush();

    /// Completes exactly once: later, or before returning if it cannot be sent. Within 5 s. The
    /// completion may call ask(), and nothing else of this Forwarder.
    void ask(const Question& question, Completion completion);

    /// The reactor says that `fd` is ready. Returns false if the descriptor is not one of ours.
    bool process(int fd, bool readable, bool writable);

    /// To be called every 100 ms or more often: time-outs, probes, and the replacement of old
    /// channels.
    void tick();

    std::size_t pending() const;

    /// In the order of ForwardOptions::upstreams, or of what has replaced them.
    std::vector<UpstreamCounters> counters() const;
    const ForwardCounters& totals() const;
    std::vector<Upstream> upstreams() const;
    /// Whether probes have found that one of upstreams() down, or that it loops.
    bool down(std::size_t index) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace resolver

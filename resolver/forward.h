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
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace resolver {

/// An address as text without brackets ("192.0.2.1", "2001:db8::1"), and a port.
struct Upstream {
    std::string address;
    std::uint16_t port = 53;
    bool operator==(const Upstream&) const = default;
};

enum class Policy { Random, RoundRobin, Sequential };

inline constexpr std::size_t kMostUpstreams = 15;

struct ForwardOptions {
    std::vector<Upstream> upstreams;  // 1 to kMostUpstreams
    Policy policy = Policy::Random;
    bool force_tcp = false;
    bool prefer_udp = false;
    std::chrono::milliseconds read_timeout{2000};
    std::size_t max_concurrent = 0;  // 0: no limit
};

enum class ForwardError {
    Timeout,   // no upstream answered in time
    Network,   // unreachable, refused, connection broken
    Overload,  // max_concurrent, or the pending table, is full
    Stopped,   // the forwarder is being destroyed
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
    bool over_tcp = false;  // the client came over TCP
};

/// What one upstream was asked, and how often that came to nothing.
struct UpstreamCounters {
    std::uint64_t queries = 0;   // messages sent, retries included
    std::uint64_t failures = 0;  // time-outs, network errors, replies that answer something else
};

/// The event loop a Forwarder lives on: asks for process() when `fd` is ready; an error or hang-up
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
    /// one asked (RFC 5452 §9.1), untouched otherwise; the view lives during the call only.
    using Completion =
        std::function<void(tl::expected<std::span<const std::uint8_t>, ForwardError>)>;

    /// Throws std::invalid_argument for a number of upstreams out of range or an address that is
    /// not one.
    Forwarder(Reactor& reactor, ForwardOptions options);
    /// Completes everything pending with ForwardError::Stopped.
    ~Forwarder();
    Forwarder(const Forwarder&) = delete;
    Forwarder& operator=(const Forwarder&) = delete;

    /// Completes exactly once: later, or before returning if it cannot be sent. Within 5 s. The
    /// completion may call ask(), and nothing else of this Forwarder.
    void ask(const Question& question, Completion completion);

    /// The reactor says that `fd` is ready. Returns false if the descriptor is not one of ours.
    bool process(int fd, bool readable, bool writable);

    /// To be called every 100 ms: time-outs, and the replacement of old channels.
    void tick();

    std::size_t pending() const;

    /// In the order of ForwardOptions::upstreams.
    std::vector<UpstreamCounters> counters() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace resolver

// From a message to its reply: the fixed order of what a server block does.
// Knows DNS and the routing; knows nothing of sockets but a Client to hand back. One per worker, on
// its thread only. Owns the worker's forwarders and the queries that wait for them; nothing of a
// query but its PendingQuery outlives handle().
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "resolver/forward.h"
#include "server/client.h"
#include "server/query_log.h"
#include "server/routing.h"
#include "zones/relay.h"

namespace server {

/// Plain counts of one worker; only its thread writes.
struct QueryCounters {
    std::uint64_t queries = 0;
    std::uint64_t dropped = 0;  // no reply was due, or could be sent
    std::uint64_t malformed = 0;
    std::uint64_t forwarded = 0;
};

/// What became of a message: a reply of `size` octets; or none, and then one may come later.
struct Handled {
    std::size_t size = 0;
    bool waits = false;
};

class Pipeline {
  public:
    using Clock = std::chrono::steady_clock;

    /// All are borrowed. `reactor` serves the forwarders, `sender` takes late replies.
    Pipeline(const Routing& routing, resolver::Reactor& reactor, ReplySender& sender);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Before a batch: takes newer snapshots. `now` dates the batch's queries for the log.
    void begin_batch(Clock::time_point now);
    /// After it: writes the log lines.
    void end_batch() { log_.flush(); }

    /// Writes the reply to `message` into `out`. One that waits for an upstream goes to the sender,
    /// perhaps before this returns.
    Handled handle(std::span<const std::uint8_t> message, const Client& client, const Route& route,
                   std::span<std::uint8_t> out);

    bool process_upstream(int fd, bool readable, bool writable);
    /// Every 100 ms.
    void tick();

    /// Ends what waits with SERVFAIL, now: the sender must still be there. Forwards nothing after.
    void stop();

    /// Queries that wait for an upstream.
    std::size_t waiting() const { return pending_.size() - free_pending_.size(); }

    const QueryCounters& counters() const { return counters_; }

  private:
    struct Asking;
    struct PendingQuery;

    std::size_t refuse(Asking& asking, zones::Verdict verdict);
    std::size_t resolve(Asking& asking);
    bool refuses_class(const Block& block) const;
    std::size_t chase(Asking& asking, const Block* block, zones::ClusterZone::Result result);
    std::size_t forward(Asking& asking, const Block& block, zones::PlacedName name);
    std::size_t relay(Asking& asking, std::span<const std::uint8_t> message);
    std::size_t finish(Asking& asking, zones::Rcode rcode, std::uint8_t flags2);
    std::size_t fail(Asking& asking, zones::Rcode rcode, std::string_view why);
    std::size_t fail(Asking& asking, resolver::ForwardError error);
    std::size_t take_slot(std::unique_ptr<PendingQuery> pending);
    const Block* block_for(const Route& route, const zones::LoweredName& name,
                           std::uint16_t qtype) const;
    const ForwardConfig* forward_for(const Block& block, zones::NameView name,
                                     std::size_t& index) const;
    void complete(PendingQuery& pending,
                  const tl::expected<std::span<const std::uint8_t>, resolver::ForwardError>& reply);

    const Routing& routing_;
    ReplySender& sender_;
    std::vector<Published<zones::Snapshot>::Reader> snapshots_;  // by cluster
    QueryLog log_;
    QueryCounters counters_;
    Clock::time_point now_{};
    bool stopping_ = false;
    std::uint64_t random_;
    zones::Query query_;  // the one in hand
    std::vector<std::uint8_t> late_reply_;
    std::vector<std::unique_ptr<PendingQuery>> pending_;  // null: free
    std::vector<std::size_t> free_pending_;
    std::vector<std::unique_ptr<resolver::Forwarder>> forwarders_;  // last: completes what waits
};

}  // namespace server

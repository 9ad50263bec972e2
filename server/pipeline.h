// From a message to its reply: the fixed order of what a server block does.
// Knows DNS and the routing; knows nothing of sockets but a Client to hand back. One per worker, on
// its thread only. Owns the worker's forwarders and the queries that wait for them; nothing of a
// query but its PendingQuery outlives handle().
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <vector>

#include "resolver/forward.h"
#include "server/client.h"
#include "server/limited_clients.h"
#include "server/pending_shares.h"
#include "server/query_log.h"
#include "server/query_meter.h"
#include "server/routing.h"
#include "zones/extended_error.h"
#include "zones/relay.h"

namespace server {

/// What became of a message: a reply of `size` octets; or none, and then one may come later.
struct Handled {
    std::size_t size = 0;
    bool waits = false;
};

class TopCounts;

class Pipeline {
  public:
    using Clock = std::chrono::steady_clock;

    /// All are borrowed. `reactor` serves the forwarders, `sender` takes late replies; `worker` is
    /// the number of the thread, for who counts.
    Pipeline(const Routing& routing, resolver::Reactor& reactor, ReplySender& sender,
             std::size_t worker = 0);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    /// Before a batch: takes newer snapshots. `now` dates the batch's queries for the log.
    void begin_batch(Clock::time_point now);
    /// After it: sends what is left for upstreams, and writes the log lines.
    void end_batch();

    /// Writes the reply to `message` into `out`. One that waits for an upstream goes to the sender,
    /// perhaps before this returns.
    Handled handle(std::span<const std::uint8_t> message, const Client& client, const Route& route,
                   std::span<std::uint8_t> out);

    /// The same for several that came together, at most kAhead: expect() reads all, and has what
    /// their answers need brought from memory, one beside the other; then handle_expected() is
    /// called for each. The messages are borrowed until then.
    void expect(std::span<const zones::Octets> messages, const Route& route);
    Handled handle_expected(std::size_t i, const Client& client, const Route& route,
                            std::span<std::uint8_t> out);
    static constexpr std::size_t kAhead = 16;

    /// While more comes than can be answered: what would be asked of upstreams is refused, so that
    /// names of the cluster still get their turn.
    void shed_forwards(bool shed) { shedding_ = shed && !routing_.clusters.empty(); }

    bool process_upstream(int fd, bool readable, bool writable);
    /// Every 100 ms, or more often.
    void tick(Clock::time_point now);

    /// Ends what waits with SERVFAIL, now: the sender must still be there. Forwards nothing after.
    void stop();

    /// Queries that wait for an upstream, and for which a client waits.
    std::size_t waiting() const { return pending_.size() - free_pending_.size() - background_; }

    /// While the sender takes a reply: who gave it; null where no upstream did, just now.
    const resolver::Upstream* answered_by() const { return answered_by_; }

    WorkerCells& counters() { return meter_.worker(); }

  private:
    using UpstreamResult = tl::expected<resolver::ForwardReply, resolver::ForwardFailure>;
    using UpstreamReply = std::optional<zones::UpstreamReply>;  // none: it is malformed
    struct Asking;
    struct PendingQuery;
    /// A client's among all that wait, and among those of one `forward` line.
    using Shares = std::array<PendingShares::Place, 2>;
    /// A message that was read.
    struct Received {
        zones::Query query;
        zones::Verdict verdict = zones::Verdict::Drop;
        const ServedZone* served = nullptr;  // of a question
        zones::Foreseen foreseen;
        BlockCache* cache = nullptr;  // may have it; null: not known
        std::uint64_t cache_hash = 0;
    };
    /// What a plugin did: nothing; a reply; or a CNAME to `next`.
    struct Step {
        bool done = false;
        std::optional<zones::PlacedName> next{};
    };

    void read(std::span<const std::uint8_t> message, const Route& route, Received& received);
    void foresee(Received& received);
    Handled answer(const Received& received, const Client& client, const Route& route,
                   std::span<std::uint8_t> out);
    std::size_t refuse(Asking& asking, zones::Verdict verdict);
    std::size_t refuse_opcode(Asking& asking);
    void begin_shaped(Asking& asking);
    bool answer_at_once(Asking& asking, std::uint32_t random);
    bool answer_link_at_once(Asking& asking, const Block& block, const zones::AskedName& name);
    std::size_t tell_client_its_address(Asking& asking);
    std::size_t resolve(Asking& asking);
    bool resolve_rewritten(Asking& asking, const Block& block);
    std::size_t answer(Asking& asking, const Block& first, zones::AskedName name);
    std::optional<zones::PlacedName> answer_here(Asking& asking, const Block& block,
                                                 const zones::AskedName& name);
    void count_limited(const Asking& asking, const Net& client, Limit limit, double allowed,
                       LimitAction action);
    bool is_over_limit(Asking& asking);
    bool is_over_requests(Asking& asking);
    bool is_over_forwards(Asking& asking, RateLimit& rate_limit);
    bool is_over(Asking& asking, const RateLimit& rate_limit, Limit limit,
                 const RateLimit::Decision& decision);
    std::size_t limit_response(Asking& asking, std::span<std::uint8_t> reply, std::size_t size);
    std::optional<Shares> find_share(const Asking& asking, std::size_t index);
    void take_share(const Shares& shares, PendingQuery& pending);
    void give_share_back(PendingQuery& pending);
    bool is_denied(Asking& asking, const Block& block, const zones::LoweredName& qname);
    void count_decision(Asking& asking, AccessList::Action action);
    Step answer_from_tables(Asking& asking, const Block& block, const zones::AskedName& name);
    Step answer_from_templates(Asking& asking, const Templates& templates,
                               const zones::AskedName& name);
    std::size_t forward(Asking& asking, const Block& block, zones::PlacedName name);
    bool is_kept_from_upstreams(Asking& asking, const Block& block);
    void ask_upstream(const Asking& asking, std::size_t forwarder,
                      std::unique_ptr<PendingQuery> pending);
    std::size_t relay(Asking& asking, const resolver::ForwardReply& given,
                      const zones::TtlRange& ttls);
    std::size_t finish_relayed(Asking& asking, zones::Rcode rcode, std::uint8_t flags3);
    std::size_t answer_from_cache(Asking& asking, const Block& block);
    std::size_t serve_cached(Asking& asking, const resolver::Found& found);
    std::size_t serve_stale(Asking& asking);
    void refresh(const Asking& asking, const Block& block);
    std::optional<resolver::Cacheable> keep(const Asking& asking, const UpstreamReply& reply,
                                            const zones::ExtendedError& error);
    static bool may_be_kept(const Asking& asking);
    void keep_failure(const Asking& asking, const resolver::ForwardFailure& failure);
    void serve_overdue();
    std::size_t finish(Asking& asking, zones::Rcode rcode, std::uint8_t flags2);
    std::size_t write_as_asked(Asking& asking, std::size_t size, zones::Rcode rcode,
                               std::uint8_t flags2, std::uint8_t flags3);
    bool tells_why(const Asking& asking) const;
    void tell(Asking& asking, std::uint16_t extended_error, std::string_view text);
    void tell_if_nothing_local(Asking& asking);
    void tell_malformed(Asking& asking);
    void tell_version(Asking& asking);
    void tell_stale(Asking& asking, zones::Rcode rcode);
    zones::ExtendedError reason_of(const UpstreamReply& reply, const resolver::Upstream& upstream);
    void tell_of_upstream(Asking& asking, zones::Rcode rcode, zones::ExtendedError error);
    std::size_t fail(Asking& asking, zones::Rcode rcode, std::string_view why);
    std::size_t fail(Asking& asking, const resolver::ForwardFailure& failure);
    std::size_t fail_malformed(Asking& asking, const resolver::Upstream* upstream);
    std::size_t fail_overload(Asking& asking, std::string_view why);
    std::unique_ptr<PendingQuery> hold(const Asking& asking);
    std::size_t take_slot(std::unique_ptr<PendingQuery> pending);
    void drop(Asking& asking, DropReason reason);
    void count_reply(const Asking& asking, std::span<const std::uint8_t> reply);
    void count_top(const Asking& asking, zones::Rcode rcode);
    bool find_block(Asking& asking, const ServedZone* served) const;
    const ServedZone* zone_for(const Route& route, const zones::LoweredName& name,
                               std::uint16_t qtype) const;
    void count_forwards();
    const ForwardConfig* forward_for(const Block& block, zones::NameView name,
                                     std::size_t& index) const;
    void complete(PendingQuery& pending, const UpstreamResult& reply);
    Asking resume(const PendingQuery& pending, zones::Query& query, zones::Query& original);

    const Routing& routing_;
    ReplySender& sender_;
    std::vector<Published<zones::Snapshot>::Reader> snapshots_;  // by cluster
    std::vector<Published<zones::HostsTable>::Reader> hosts_;    // by Block::hosts_index
    QueryLog log_;
    QueryMeter meter_;
    TopCounts* const top_;  // null: nobody asks
    LimitedClients limited_;
    PendingShares shares_;
    Clock::time_point now_{};
    bool stopping_ = false;
    bool shedding_ = false;
    std::uint64_t random_;
    Received received_;                      // the one in hand
    std::array<Received, kAhead> expected_;  // those of a batch
    zones::Query rewritten_query_;           // what it has become
    zones::ReasonText reason_;               // of the reply in hand
    const resolver::Upstream* answered_by_ = nullptr;
    std::vector<std::uint8_t> late_reply_;
    std::vector<std::uint8_t> rewritten_reply_;  // before it fits the question that was asked
    std::vector<std::uint8_t> cached_;           // a message from the cache, or on its way there
    std::size_t background_ = 0;                 // of what is pending: no client waits for it
    std::size_t may_be_overdue_ = 0;  // of what is pending: has a moment for a stale answer
    std::vector<std::unique_ptr<PendingQuery>> pending_;  // null: free
    std::vector<std::size_t> free_pending_;
    std::vector<std::unique_ptr<PendingQuery>> spare_pending_;
    std::vector<std::unique_ptr<resolver::Forwarder>> forwarders_;  // last: completes what waits
};

}  // namespace server

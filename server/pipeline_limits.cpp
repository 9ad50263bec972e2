// What the pipeline does with a client that wants more than it may have: `ratelimit`, `rrl`, and
// its share of what waits for upstreams.
#include "server/client_shares.h"
#include "server/pending_query.h"
#include "server/pipeline.h"

namespace server {
namespace {

using zones::Rcode;

constexpr unsigned kV4Bits = 32, kV6Bits = 64;  // of one client, as for ClientShares

LimitAction action_of(ResponseLimit::Verdict verdict) {
    switch (verdict) {
        case ResponseLimit::Verdict::Slip:
            return LimitAction::Truncated;
        case ResponseLimit::Verdict::Report:
            return LimitAction::Reported;
        default:
            return LimitAction::Dropped;
    }
}

/// A limit is local policy about the client: Prohibited (RFC 8914 §4.19), not Blocked, which is
/// about names (§4.16). The client may be another than it says: `writer`, with nothing but the
/// question, gets no larger than the query by it. Where the text does not fit, the code may.
void tell_to_come_over_tcp(const zones::Query& query, zones::MessageWriter& writer) {
    constexpr std::string_view kText = "over a limit: ask over TCP";
    constexpr std::size_t kCodeSize = zones::kOptionHeadSize + 2;
    const std::size_t size = writer.position() + zones::kOptSize + kCodeSize;
    if (query.message.size() >= size) {
        const bool fits = query.message.size() >= size + kText.size();
        writer.set_extended_error(zones::extended_error::kProhibited,
                                  fits ? kText : std::string_view{});
    }
}

}  // namespace

void Pipeline::count_limited(const Asking& asking, const Net& client, Limit limit, double allowed,
                             LimitAction action) {
    if (asking.counted != nullptr) {
        ZoneCells& cells = *asking.counted;
        cells.limited[static_cast<std::size_t>(limit)][static_cast<std::size_t>(action)].add();
    }
    if (routing_.limit_log != nullptr) {
        limited_.add(client, limit, allowed, action);
    }
}

/// True if the client has had its part of the block; then asking.size is set.
bool Pipeline::is_over_limit(Asking& asking) {
    const Block& block = *asking.block;
    if (block.response_limit != nullptr && !asking.client.tcp && is_over_requests(asking)) {
        return true;
    }
    if (block.rate_limit == nullptr) {
        return false;
    }
    const auto decision = block.rate_limit->query(asking.client, now_, next_random(random_));
    return is_over(asking, *block.rate_limit, Limit::Queries, decision);
}

/// The same of what it may have from upstreams.
bool Pipeline::is_over_forwards(Asking& asking, RateLimit& rate_limit) {
    const auto decision = rate_limit.forward(asking.client, now_, next_random(random_));
    return is_over(asking, rate_limit, Limit::Forwards, decision);
}

bool Pipeline::is_over(Asking& asking, const RateLimit& rate_limit, Limit limit,
                       const RateLimit::Decision& decision) {
    using Over = RateLimitConfig::Over;
    meter_.worker().limit_evictions.add(decision.evicted ? 1 : 0);
    if (decision.verdict == RateLimit::Verdict::Pass) {
        return false;
    }
    const RateLimitConfig& config = rate_limit.config();
    const bool dropped = decision.verdict == RateLimit::Verdict::Drop;
    const bool truncated = config.over == Over::Truncate && !asking.client.tcp;
    const Budget& budget = limit == Limit::Forwards ? *config.forwards : config.queries;
    count_limited(asking, net_of(asking.client.peer, kV4Bits, kV6Bits), limit, budget.per_second,
                  dropped     ? LimitAction::Dropped
                  : truncated ? LimitAction::Truncated
                              : LimitAction::Refused);
    if (dropped) {
        drop(asking, DropReason::RateLimit);
        return true;
    }
    asking.author = Author::RateLimit;
    const bool chained = asking.chain.links > 0;
    if (truncated) {
        asking.writer.clear_records();
        asking.writer.mark_truncated();  // a client that is what it seems comes again over TCP
        if (tells_why(asking)) {
            tell_to_come_over_tcp(asking.query, asking.writer);
        }
        asking.size = finish(asking, Rcode::NoError, 0);
    } else {
        tell(asking, zones::extended_error::kProhibited,
             "more than ratelimit lets this client ask");
        asking.size = finish(asking, chained ? Rcode::ServFail : Rcode::Refused,
                             chained ? zones::header::kAa : 0);
    }
    return true;
}

bool Pipeline::is_over_requests(Asking& asking) {
    const ResponseLimit& limit = *asking.block->response_limit;
    if (!limit.limits_requests()) {
        return false;
    }
    const auto decision = asking.block->response_limit->request(asking.query, asking.client, now_);
    meter_.worker().limit_evictions.add(decision.evicted ? 1 : 0);
    if (decision.verdict == ResponseLimit::Verdict::Pass) {
        return false;
    }
    count_limited(asking, limit.net_of(asking.client), Limit::Requests, decision.allowed,
                  action_of(decision.verdict));
    if (decision.verdict == ResponseLimit::Verdict::Report) {
        return false;
    }
    drop(asking, DropReason::ResponseLimit);
    return true;
}

/// What leaves of a reply: its size, or 0 if nothing. What came over TCP, is from where it says.
std::size_t Pipeline::limit_response(Asking& asking, std::span<std::uint8_t> reply,
                                     std::size_t size) {
    if (asking.block->response_limit == nullptr || asking.client.tcp) {
        return size;
    }
    const zones::Query& query = asking.original == nullptr ? asking.query : *asking.original;
    const auto decision = asking.block->response_limit->response(
        query, reply.first(size), asking.client, now_, next_random(random_));
    meter_.worker().limit_evictions.add(decision.evicted ? 1 : 0);
    if (decision.verdict == ResponseLimit::Verdict::Pass) {
        return size;
    }
    count_limited(asking, asking.block->response_limit->net_of(asking.client), Limit::Responses,
                  decision.allowed, action_of(decision.verdict));
    if (decision.verdict == ResponseLimit::Verdict::Report) {
        return size;
    }
    if (decision.verdict == ResponseLimit::Verdict::Drop) {
        drop(asking, DropReason::ResponseLimit);
        return 0;
    }
    const std::uint8_t flags2 = reply[2] & zones::header::kAa;
    const std::uint8_t flags3 = reply[3];
    zones::MessageWriter slip(reply);
    slip.begin(query, size_limit(query, asking.client, asking.block));
    if (tells_why(asking)) {
        tell_to_come_over_tcp(query, slip);
    }
    slip.mark_truncated();
    return slip.finish(static_cast<Rcode>(flags3 & zones::header::kRcodeMask), flags2,
                       flags3 & zones::header::kRa);
}

/// Where one more of that client's is counted that waits for the forwarder at `index`; nullopt if
/// it has as many as it may have.
std::optional<Pipeline::Shares> Pipeline::find_share(const Asking& asking, std::size_t index) {
    const auto client = ClientShares::key_of(asking.client.peer);
    const auto of_all = shares_.place_of(client, 0);
    const auto of_line = shares_.place_of(client, index + 1);
    const std::size_t most = asking.forward->options.max_concurrent;
    std::size_t places = routing_.max_pending;
    bool may = PendingShares::may_have_more(shares_.held(of_all), waiting() + background_, places);
    if (may && most > 0) {
        const std::size_t taken = forwarders_[index]->pending();
        places = most;
        // Where all are taken, the forwarder says so.
        may = taken >= most || PendingShares::may_have_more(shares_.held(of_line), taken, most);
    }
    if (!may) {
        count_limited(asking, net_of(asking.client.peer, kV4Bits, kV6Bits), Limit::Waiting,
                      static_cast<double>(places), LimitAction::Refused);
        return std::nullopt;
    }
    return Shares{of_all, of_line};
}

void Pipeline::take_share(const Shares& shares, PendingQuery& pending) {
    pending.shares = shares;
    for (const auto& share : shares) {
        shares_.add(share);
    }
}

void Pipeline::give_share_back(PendingQuery& pending) {
    if (pending.shares) {
        for (const auto& share : *pending.shares) {
            shares_.remove(share);
        }
    }
}

/// The client gets no reply.
void Pipeline::drop(Asking& asking, DropReason reason) {
    meter_.worker().dropped[static_cast<std::size_t>(reason)].add();
    if (asking.counted != nullptr) {
        const bool rewritten = asking.reply_rewrite != nullptr;
        meter_.left_without_reply(*asking.counted, {rewritten ? *asking.original : asking.query,
                                                    asking.client, asking.started});
    }
    asking.size = 0;
    asking.withheld = true;
}

}  // namespace server

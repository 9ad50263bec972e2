// What the pipeline does with the cache of a block.
#include <cstring>

#include "server/pending_query.h"
#include "server/pipeline.h"
#include "server/upstream_reason.h"

namespace server {
namespace {

void count_hit(CacheCells& cells, const resolver::Found& found) {
    (found.denial ? cells.denial_hits : cells.success_hits).add();
    if (found.state == resolver::Found::State::Stale) {
        cells.served_stale.add();
    }
}

/// An answer that has expired is a hit as well, as with CoreDNS.
void count_look_up(CacheCells& cells, const resolver::Found& found) {
    cells.requests.add();
    if (found.state == resolver::Found::State::Miss) {
        cells.misses.add();
        return;
    }
    count_hit(cells, found);
    if (found.refresh && found.state == resolver::Found::State::Fresh) {
        cells.prefetches.add();
    }
}

void count_kept(CacheCells& cells, bool parsed, const std::optional<BlockCache::Kept>& kept) {
    if (!parsed) {
        cells.drops.add();
    } else if (kept) {
        const bool success = kept->kind == resolver::AnswerKind::Success;
        (success ? cells.success_evictions : cells.denial_evictions).add(kept->evicted);
    }
}

}  // namespace

resolver::CacheQuestion question_of(const zones::Query& query, const zones::LoweredName& qname) {
    return {.qname = qname.wire(),
            .qtype = query.qtype,
            .qclass = query.qclass,
            .dnssec_ok = query.dnssec_ok,
            .checking_disabled = query.checking_disabled()};
}

/// What an upstream says without recursion is not what it says to those who want it.
bool Pipeline::may_be_kept(const Asking& asking) {
    return asking.cache != nullptr && wants_recursion(*asking.block, asking.query);
}

/// 0 if the question has to go upstream.
std::size_t Pipeline::answer_from_cache(Asking& asking, const Block& block) {
    if (block.cache == nullptr) {
        return 0;
    }
    zones::LoweredName target;
    const bool as_asked = asking.chain.links == 0;
    if (!as_asked) {
        target.assign(asking.writer.placed(asking.asked));
    }
    const zones::LoweredName& qname = as_asked ? asking.query.name : target;
    if (!block.cache->covers(qname)) {
        return 0;
    }
    asking.cache = block.cache;
    asking.cache_counted = meter_.cells(asking.served->cache);
    resolver::CacheQuestion question = question_of(asking.query, qname);
    if (as_asked && asking.received != nullptr && asking.received->cache == block.cache) {
        question.hash = asking.received->cache_hash;
    }
    const auto found = block.cache->store().find(question, now_, cached_);
    asking.has_stale = found.has_stale;
    if (asking.cache_counted != nullptr) {
        count_look_up(*asking.cache_counted, found);
    }
    if (found.state == resolver::Found::State::Miss) {
        return 0;
    }
    const std::size_t size = serve_cached(asking, found);
    if (found.refresh) {
        refresh(asking, block);
    }
    return size;
}

std::size_t Pipeline::serve_cached(Asking& asking, const resolver::Found& found) {
    asking.author = Author::Cache;
    const std::span<std::uint8_t> message{cached_.data(), found.size};
    const std::size_t question_end = zones::kHeaderSize + asking.asked.length + 4U;
    const auto rcode = static_cast<zones::Rcode>(message[3] & zones::header::kRcodeMask);
    if (found.state == resolver::Found::State::Stale) {
        tell_stale(asking, rcode);
    } else if (found.error.says_something()) [[unlikely]] {
        tell_of_upstream(asking, rcode, found.error);
    }
    if (asking.writer.replay(message.subspan(question_end), zones::read_u16(&message[6]),
                             zones::read_u16(&message[8]))) {
        return finish_relayed(asking, rcode, message[3]);
    }
    // In a chain, or too long: record by record, with owners as this client spells them.
    const auto spelled = asking.writer.placed(asking.asked);
    std::memcpy(&message[zones::kHeaderSize], spelled.data(), spelled.size());
    return relay(asking, {message, nullptr}, {});
}

/// 0 if there is none, or if the client is not to have it.
std::size_t Pipeline::serve_stale(Asking& asking) {
    if (asking.cache == nullptr) {
        return 0;
    }
    zones::LoweredName qname;
    qname.assign(asking.writer.placed(asking.asked));
    const auto found =
        asking.cache->store().find_stale(question_of(asking.query, qname), now_, cached_);
    if (found.state != resolver::Found::State::Stale) {
        return 0;
    }
    if (asking.cache_counted != nullptr) {
        asking.cache_counted->served_stale.add();  // the look-up was a miss
    }
    return serve_cached(asking, found);
}

/// Asks again what a client has just had from the cache.
void Pipeline::refresh(const Asking& asking, const Block& block) {
    std::size_t index = 0;
    if (stopping_ || shedding_ || waiting() + background_ >= routing_.max_pending ||
        forward_for(block, asking.writer.placed(asking.asked), index) == nullptr) {
        return;
    }
    auto pending = hold(asking);
    pending->background = true;
    ++background_;
    ask_upstream(asking, index, std::move(pending));
}

/// Hands a reply to the cache, and what is to be said with it. Returns what it was for the cache.
std::optional<resolver::Cacheable> Pipeline::keep(const Asking& asking, const UpstreamReply& reply,
                                                  const zones::ExtendedError& error) {
    if (!may_be_kept(asking)) {
        return std::nullopt;
    }
    zones::LoweredName qname;
    qname.assign(asking.writer.placed(asking.asked));
    std::optional<BlockCache::Kept> kept;
    if (reply) {
        kept = asking.cache->take(question_of(asking.query, qname), qname, *reply, error, now_,
                                  cached_);
    }
    if (asking.cache_counted != nullptr) {
        count_kept(*asking.cache_counted, reply.has_value(), kept);
    }
    return kept;
}

/// The same of that there was no reply.
void Pipeline::keep_failure(const Asking& asking, const resolver::ForwardFailure& failure) {
    if (!may_be_kept(asking) || extended_error_of(failure) == 0) {
        return;
    }
    zones::LoweredName qname;
    qname.assign(asking.writer.placed(asking.asked));
    reason_.clear();
    add_reason(failure, reason_);
    const auto evicted = asking.cache->take_failure(question_of(asking.query, qname), qname,
                                                    {.text = reason_.view()}, now_);
    if (asking.cache_counted != nullptr) {
        asking.cache_counted->denial_evictions.add(evicted);
    }
}

/// Clients for whom `verify` takes too long get what is there; the upstream's reply is still kept.
void Pipeline::serve_overdue() {
    for (std::size_t i = 0; may_be_overdue_ > 0 && i < pending_.size(); ++i) {
        PendingQuery* pending = pending_[i].get();
        if (pending == nullptr || pending->stale_at > now_) {
            continue;
        }
        pending->stale_at = Clock::time_point::max();
        --may_be_overdue_;
        zones::Query query, original;
        Asking asking = resume(*pending, query, original);
        if (const std::size_t size = serve_stale(asking); size > 0) {
            pending->background = true;
            ++background_;
            if (top_ != nullptr) {
                count_top(asking,
                          static_cast<zones::Rcode>(late_reply_[3] & zones::header::kRcodeMask));
            }
            sender_.send(asking.client, late_reply_.data(), size);
        }
    }
}

}  // namespace server

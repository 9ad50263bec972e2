// What the pipeline asks of upstreams, and what it makes of their replies.
#include <algorithm>
#include <cerrno>

#include "server/memory_reserve.h"
#include "server/next_forward.h"
#include "server/pending_query.h"
#include "server/pipeline.h"
#include "server/top_counts.h"
#include "server/upstream_reason.h"

namespace server {
namespace {

using zones::Rcode;

constexpr std::size_t kMostSpares = 256;  // of queries that have waited

std::string forward_failure_text(resolver::ForwardError error, std::size_t most) {
    switch (error) {
        case resolver::ForwardError::Timeout:
            // Such as `consolidate` of many a Corefile looks for: ^read udp .* i/o timeout$
            return "read udp from the upstreams asked: i/o timeout";
        case resolver::ForwardError::Network:
            return "no upstream could be reached";
        case resolver::ForwardError::Overload:
            return "concurrent queries exceeded maximum " + std::to_string(most);
        case resolver::ForwardError::Stopped:
            break;
    }
    return "the server is stopping";
}

/// What a stale answer is no better than (RFC 8767 §4).
bool is_usable(const std::optional<zones::UpstreamReply>& reply) {
    return reply && (reply->rcode == Rcode::NoError || reply->rcode == Rcode::NxDomain);
}

}  // namespace

const ForwardConfig* Pipeline::forward_for(const Block& block, zones::NameView name,
                                           std::size_t& index) const {
    for (std::size_t i = 0; i < block.config->forwards.size(); ++i) {
        const ForwardConfig& config = block.config->forwards[i];
        if (serves(config, name)) {
            index = block.first_forwarder + i;
            return &config;
        }
    }
    return nullptr;
}

/// True if no upstream is to be asked, whichever it would be; then asking.size is set.
bool Pipeline::is_kept_from_upstreams(Asking& asking, const Block& block) {
    if (stopping_ || waiting() + background_ >= routing_.max_pending) {
        asking.size = fail(asking, {.error = stopping_ ? resolver::ForwardError::Stopped
                                                       : resolver::ForwardError::Overload});
        return true;
    }
    if (shedding_ || memory_is_short()) {
        meter_.worker().shed_forwards.add();
        const char* const why =
            shedding_ ? "more queries come than can be answered" : "no memory is left";
        tell(asking, zones::extended_error::kOther, why);
        asking.size = fail_overload(asking, why);
        return true;
    }
    return block.rate_limit != nullptr && block.rate_limit->limits_forwards() &&
           is_over_forwards(asking, *block.rate_limit);
}

std::size_t Pipeline::forward(Asking& asking, const Block& block, zones::PlacedName name) {
    asking.asked = name;
    if (const std::size_t size = answer_from_cache(asking, block); size > 0 || asking.withheld) {
        return size;
    }
    std::size_t index = 0;
    asking.forward = forward_for(block, asking.writer.placed(name), index);
    if (asking.forward == nullptr && block.config->whoami &&
        asking.query.qclass == zones::kClassIn) {
        return tell_client_its_address(asking);
    }
    if (asking.forward == nullptr) {
        tell(asking, zones::extended_error::kNotAuthoritative,
             "no plugin of the server block is for this name");
        return fail(asking, Rcode::ServFail, "no next plugin found");
    }
    if (is_kept_from_upstreams(asking, block)) {
        return asking.size;
    }
    const auto shares = find_share(asking, index);
    if (!shares) {
        tell(asking, zones::extended_error::kProhibited,
             "too many queries of this client wait for upstreams");
        return fail_overload(asking, "the client's queries wait for upstreams already");
    }
    if (top_ != nullptr && asking.chain.links == 0) {
        top_->leaked(asking.query.name);
    }
    asking.waits = true;
    auto pending = hold(asking);
    take_share(*shares, *pending);
    if (asking.has_stale && asking.cache->store().options().verify_timeout.count() > 0) {
        pending->stale_at = now_ + asking.cache->store().options().verify_timeout;
        ++may_be_overdue_;
    }
    ask_upstream(asking, index, std::move(pending));
    return 0;
}

void Pipeline::ask_upstream(const Asking& asking, std::size_t forwarder,
                            std::unique_ptr<PendingQuery> pending) {
    meter_.worker().forwarded.add();
    const std::size_t slot = take_slot(std::move(pending));
    const zones::Query& query = asking.query;
    const auto qname = asking.writer.placed(asking.asked);
    const resolver::Question question{
        .qname = {reinterpret_cast<const std::uint8_t*>(qname.data()), qname.size()},
        .qtype = query.qtype,
        .qclass = query.qclass,
        .recursion_desired = wants_recursion(*asking.block, query),
        // What is cached is also for those who ask for AD (RFC 6840 §5.7).
        .authentic_data = query.authentic_data() || asking.cache != nullptr,
        .checking_disabled = query.checking_disabled(),
        .dnssec_ok = query.dnssec_ok,
        .over_tcp = asking.client.tcp};
    ask_in_turn(routing_, forwarders_, forwarder, question, [this, slot](const auto& reply) {
        auto done = std::move(pending_[slot]);
        free_pending_.push_back(slot);
        give_share_back(*done);
        complete(*done, reply);
        if (spare_pending_.size() < kMostSpares) {
            spare_pending_.push_back(std::move(done));
        }
    });
}

std::unique_ptr<Pipeline::PendingQuery> Pipeline::hold(const Asking& asking) {
    std::unique_ptr<PendingQuery> pending;
    if (spare_pending_.empty()) {
        pending = std::make_unique<PendingQuery>();
    } else {
        pending = std::move(spare_pending_.back());
        spare_pending_.pop_back();
    }
    pending->hold(asking);
    return pending;
}

std::size_t Pipeline::take_slot(std::unique_ptr<PendingQuery> pending) {
    if (free_pending_.empty()) {
        pending_.push_back(std::move(pending));
        return pending_.size() - 1;
    }
    const std::size_t slot = free_pending_.back();
    free_pending_.pop_back();
    pending_[slot] = std::move(pending);
    return slot;
}

Pipeline::Asking Pipeline::resume(const PendingQuery& pending, zones::Query& query,
                                  zones::Query& original) {
    zones::parse_query(pending.message, query);
    if (pending.reply_rewrite == nullptr) {
        return pending.resume(query, late_reply_);
    }
    zones::parse_query(pending.original_message, original);
    Asking asking = pending.resume(query, rewritten_reply_);
    asking.original = &original;
    asking.reply_rewrite = pending.reply_rewrite;
    asking.reply_buffer = late_reply_;
    return asking;
}

void Pipeline::complete(PendingQuery& pending, const UpstreamResult& reply) {
    zones::Query query, original;
    Asking asking = resume(pending, query, original);
    UpstreamReply parsed;
    zones::ExtendedError error;
    std::optional<resolver::Cacheable> kept;
    if (reply) {
        parsed = zones::parse_upstream_reply(reply->message);
        error = reason_of(parsed, *reply->upstream);
        kept = keep(asking, parsed, error);
    } else {
        keep_failure(asking, reply.error());
    }
    if (pending.stale_at != Clock::time_point::max()) {
        --may_be_overdue_;
    }
    if (pending.background) {
        --background_;
        return;
    }
    // To `prefer_positive` a denial is no better than a failure.
    const bool denied = kept && kept->kind == resolver::AnswerKind::Denial &&
                        asking.cache->store().options().prefer_positive;
    std::size_t size = is_usable(parsed) && !denied ? 0 : serve_stale(asking);
    if (size == 0 && !asking.withheld) {
        asking.author = Author::Forward;
        if (error.says_something()) [[unlikely]] {
            tell_of_upstream(asking, parsed->rcode, error);
        }
        answered_by_ = reply ? reply->upstream : nullptr;
        size = reply ? relay(asking, *reply, kept ? kept->ttls : zones::TtlRange{})
                     : fail(asking, reply.error());
    }
    if (size > 0) {
        if (top_ != nullptr) {
            count_top(asking, static_cast<Rcode>(late_reply_[3] & zones::header::kRcodeMask));
        }
        sender_.send(asking.client, late_reply_.data(), size);
    }
    answered_by_ = nullptr;
}

/// A reply to what is no longer as it was received; by what was asked, not what it was rewritten
/// to.
void Pipeline::count_top(const Asking& asking, Rcode rcode) {
    const zones::Query& query = asking.original == nullptr ? asking.query : *asking.original;
    top_->replied_to_any(query, asking.client, static_cast<unsigned>(rcode));
}

std::size_t Pipeline::relay(Asking& asking, const resolver::ForwardReply& given,
                            const zones::TtlRange& ttls) {
    const auto reply = zones::parse_upstream_reply(given.message);
    if (!reply) {
        return fail_malformed(asking, given.upstream);
    }
    const bool chained = asking.chain.links > 0;
    // At the end of a chain the upstream's authority section denies the target, nothing else does.
    const zones::RelayedSections wanted{.authority = !chained || reply->rcode == Rcode::NxDomain,
                                        .additional = !chained,
                                        .ttls = ttls};
    const zones::MessageWriter before = asking.writer;
    if (!zones::relay_records(*reply, wanted, asking.writer)) {
        asking.writer = before;  // with the CNAMEs that are ours
        return fail_malformed(asking, given.upstream);
    }
    if ((reply->flags2 & zones::header::kTc) != 0) {
        asking.writer.mark_truncated();
    }
    return finish_relayed(asking, reply->rcode, reply->flags3);
}

std::size_t Pipeline::finish_relayed(Asking& asking, Rcode rcode, std::uint8_t flags3) {
    const bool chained = asking.chain.links > 0;
    // AD is the upstream's word, for who asked to hear it (RFC 6840 §5.8). AA is ours: set where
    // our own CNAME answers, clear on what is another server's.
    const bool wants_ad = asking.query.dnssec_ok || asking.query.authentic_data();
    asking.flags3 = wants_ad && !chained ? flags3 & zones::header::kAd : 0;
    return finish(asking, rcode, chained ? zones::header::kAa : 0);
}

std::size_t Pipeline::fail(Asking& asking, Rcode rcode, std::string_view why) {
    asking.author = Author::Server;
    if (asking.block->errors != nullptr) {
        asking.block->errors->error({rcode, asking.query.qname, asking.query.qtype, why}, now_);
    }
    // A chain that fails keeps its CNAMEs (RFC 6604 §3), with our authority over them.
    return finish(asking, rcode, asking.chain.links > 0 ? zones::header::kAa : 0);
}

std::size_t Pipeline::fail(Asking& asking, const resolver::ForwardFailure& failure) {
    using namespace zones::extended_error;
    const std::size_t most = asking.forward->options.max_concurrent;
    const std::string why =
        forward_failure_text(failure.error, most == 0 ? routing_.max_pending : most);
    if (failure.error == resolver::ForwardError::Overload) {
        tell(asking, kOther, "too many queries wait for upstreams");
        return fail_overload(asking, why);
    }
    if (const std::uint16_t code = extended_error_of(failure); code != 0) {
        reason_.clear();
        add_reason(failure, reason_);
        tell(asking, code, reason_.view());
    } else {
        tell(asking, kNotReady, "the server is stopping");
    }
    return fail(asking, Rcode::ServFail, why);
}

/// `upstream` is null for what the cache had.
std::size_t Pipeline::fail_malformed(Asking& asking, const resolver::Upstream* upstream) {
    reason_.clear();
    if (upstream != nullptr) {
        add_reason({resolver::ForwardError::Network, upstream, EBADMSG}, reason_);
    }
    tell(asking, zones::extended_error::kNetworkError, reason_.view());
    return fail(asking, Rcode::ServFail, "malformed reply from upstream");
}

/// Too many at once is REFUSED, as with CoreDNS, but for a chain, which then has failed.
std::size_t Pipeline::fail_overload(Asking& asking, std::string_view why) {
    meter_.worker().rejected_forwards.add();
    return fail(asking, asking.chain.links == 0 ? Rcode::Refused : Rcode::ServFail, why);
}

}  // namespace server

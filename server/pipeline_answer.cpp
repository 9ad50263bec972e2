// What a server block does with a name, plugin by plugin: acl, template, hosts, kubernetes, and at
// the end forward with its cache. Around it: rewrite, and CNAMEs that lead to another block.
#include "server/pending_query.h"
#include "server/pipeline.h"

namespace server {
namespace {

using zones::Rcode;

/// xorshift64* (Marsaglia, Vigna): which record comes first is no secret.
std::uint32_t next_random(std::uint64_t& state) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<std::uint32_t>(state * 0x2545f4914f6cdd1dU >> 32);
}

/// We have no other class than IN; an upstream may.
bool refuses_class(const Block& block, const zones::LoweredName& qname) {
    return block.config->forwards.empty() ||
           (block.cluster != nullptr && block.cluster->zone().is_ours(qname));
}

/// Set where our own records answer, be it with a CNAME.
std::uint8_t authority_over(const zones::Chain& chain) {
    return chain.links > 0 ? zones::header::kAa : 0;
}

}  // namespace

std::size_t Pipeline::resolve(Asking& asking) {
    const Block& block = *asking.block;
    if (block.rewrites != nullptr && asking.reply_rewrite == nullptr &&
        resolve_rewritten(asking, block)) {
        return asking.size;
    }
    const zones::Query& query = asking.query;
    asking.style = {.qtype = query.qtype,
                    .rotate = block.config->loadbalance,
                    .stream = asking.client.tcp,
                    .random = next_random(random_)};
    return answer(asking, block, {asking.writer.question_name(), &query.name});
}

/// False if no rule is for the question. The access list sees the name that was asked as well as
/// the one that is used: who may not have one does not get it by the other.
bool Pipeline::resolve_rewritten(Asking& asking, const Block& block) {
    if (is_denied(asking, block, asking.query.name)) {
        return true;
    }
    const auto rewritten = block.rewrites->apply(asking.query);
    if (rewritten.outcome == Rewrites::Outcome::Unchanged) {
        return false;
    }
    if (rewritten.outcome == Rewrites::Outcome::Invalid ||
        zones::parse_query(rewritten.message, rewritten_query_) != zones::Verdict::Ask) {
        asking.size = fail(asking, Rcode::ServFail, "rewriting gives no valid name");
        return true;
    }
    Asking inner{rewritten_query_, asking.client, asking.route,
                 zones::MessageWriter(rewritten_reply_)};
    inner.original = &asking.query;
    inner.reply_rewrite = rewritten.reply;
    inner.reply_buffer = asking.writer.buffer();
    inner.block = asking.block;
    inner.started = asking.started;
    inner.writer.begin(rewritten_query_, zones::kMaxMessageSize);
    asking.size = resolve(inner);
    asking.waits = inner.waits;
    return true;
}

/// Follows CNAMEs to names that are not the block's own: another block's, or an upstream's.
std::size_t Pipeline::answer(Asking& asking, const Block& first, zones::AskedName name) {
    const Block* block = &first;
    zones::LoweredName target;
    for (;;) {
        const auto next = answer_here(asking, *block, name);
        if (!next) {
            return asking.size;
        }
        target.assign(asking.writer.placed(*next));
        if (has_owner(asking.chain, target.wire(), asking.writer)) {  // once round a loop
            return finish(asking, Rcode::NoError, zones::header::kAa);
        }
        block = block_for(asking.route, target, asking.query.qtype);
        if (block == nullptr || block->config->empty) {
            return finish(asking, Rcode::Refused, zones::header::kAa);
        }
        name = {*next, &target};
    }
}

/// The name that is to be asked next; or nothing, and then asking.size and .waits are set.
std::optional<zones::PlacedName> Pipeline::answer_here(Asking& asking, const Block& block,
                                                       const zones::AskedName& name) {
    if (block.acl != nullptr && is_denied(asking, block, *name.lowered)) {
        return std::nullopt;
    }
    if (block.templates != nullptr || block.hosts != nullptr) {
        const Step step = answer_from_tables(asking, block, name);
        if (step.done) {
            return step.next;
        }
    }
    if (asking.query.qclass != zones::kClassIn) {
        asking.size = refuses_class(block, *name.lowered)
                          ? finish(asking, Rcode::Refused, authority_over(asking.chain))
                          : forward(asking, block, name.placed);
        return std::nullopt;
    }
    if (block.cluster != nullptr) {
        using Outcome = zones::ClusterZone::Outcome;
        const auto result =
            block.cluster->zone().answer(name, asking.style, asking.chain,
                                         snapshots_[block.cluster_index].current(), asking.writer);
        if (result.outcome == Outcome::Done) {
            asking.size = finish(asking, result.rcode, zones::header::kAa);
            return std::nullopt;
        }
        if (result.outcome == Outcome::NextName) {
            return result.target;
        }
    }
    asking.size = forward(asking, block, name.placed);
    return std::nullopt;
}

/// True if the question may not pass; then asking.size is set.
bool Pipeline::is_denied(Asking& asking, const Block& block, const zones::LoweredName& qname) {
    if (block.acl == nullptr) {
        return false;
    }
    using Action = AccessList::Action;
    switch (block.acl->decide(qname, asking.query.qtype, asking.client)) {
        case Action::Allow:
            return false;
        case Action::Block:
            asking.writer.set_extended_error(zones::extended_error::kBlocked);
            asking.size = finish(asking, Rcode::Refused, authority_over(asking.chain));
            break;
        case Action::Filter:
            asking.writer.set_extended_error(zones::extended_error::kFiltered);
            asking.size = finish(asking, Rcode::NoError, authority_over(asking.chain));
            break;
        case Action::Drop:
            ++counters_.dropped;
            asking.size = 0;
            break;
    }
    return true;
}

/// `template`, then `hosts`.
Pipeline::Step Pipeline::answer_from_tables(Asking& asking, const Block& block,
                                            const zones::AskedName& name) {
    if (block.templates != nullptr) {
        if (const Step step = answer_from_templates(asking, *block.templates, name); step.done) {
            return step;
        }
    }
    if (block.hosts == nullptr || asking.query.qclass != zones::kClassIn) {
        return {};
    }
    switch (block.hosts->answer(name, asking.style, hosts_[block.hosts_index].current(),
                                asking.writer)) {
        case Hosts::Outcome::NextPlugin:
            return {};
        case Hosts::Outcome::Failed:
            asking.size = finish(asking, Rcode::ServFail, authority_over(asking.chain));
            break;
        case Hosts::Outcome::NoData:
        case Hosts::Outcome::Answered:
            asking.size = finish(asking, Rcode::NoError, zones::header::kAa);
            break;
    }
    return {.done = true};
}

Pipeline::Step Pipeline::answer_from_templates(Asking& asking, const Templates& templates,
                                               const zones::AskedName& name) {
    const auto result =
        templates.answer(name, asking.query, asking.client, asking.chain, asking.writer);
    switch (result.outcome) {
        case Templates::Outcome::NextPlugin:
            return {};
        case Templates::Outcome::NextName:
            return {.done = true, .next = result.target};
        case Templates::Outcome::Failed:
            asking.size = fail(asking, Rcode::ServFail, result.why);
            break;
        case Templates::Outcome::Answered:
            if (result.extended_error) {
                asking.writer.set_extended_error(*result.extended_error,
                                                 result.extended_error_text);
            }
            asking.size = finish(asking, result.rcode, zones::header::kAa);
            break;
    }
    return {.done = true};
}

}  // namespace server

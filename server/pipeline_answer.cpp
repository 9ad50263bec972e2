// What a server block does with a name, plugin by plugin: acl, template, hosts, kubernetes, and at
// the end forward with its cache. Around it: rewrite, and CNAMEs that lead to another block.
#include "server/pending_query.h"
#include "server/pipeline.h"

namespace server {
namespace {

using zones::Rcode;

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
    if (block.config->fixed && asking.reply_rewrite == nullptr &&
        answer_at_once(asking, next_random(random_))) {
        return asking.size;
    }
    if (block.rewrites != nullptr && asking.reply_rewrite == nullptr &&
        resolve_rewritten(asking, block)) {
        return asking.size;
    }
    const zones::Query& query = asking.query;
    asking.style.qtype = query.qtype;
    asking.style.rotate = block.config->loadbalance;
    asking.style.stream = asking.client.tcp;
    asking.style.random = next_random(random_);
    if (query.has_edns) [[unlikely]] {
        asking.style.reason = tells_why(asking) ? &reason_ : nullptr;
        asking.style.as_asked = asking.reply_rewrite == nullptr;
    }
    return answer(asking, block,
                  {asking.writer.question_name(), &query.name,
                   asking.received == nullptr ? nullptr : &asking.received->foreseen});
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
        tell(asking, zones::extended_error::kOther, "rewriting gives no valid name");
        asking.size = fail(asking, Rcode::ServFail, "rewriting gives no valid name");
        return true;
    }
    Asking inner{rewritten_query_, asking.client, asking.route,
                 zones::MessageWriter(rewritten_reply_)};
    inner.original = &asking.query;
    inner.reply_rewrite = rewritten.reply;
    inner.reply_buffer = asking.writer.buffer();
    inner.block = asking.block;
    inner.served = asking.served;
    inner.counted = asking.counted;
    inner.allowed = asking.allowed;
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
        if (has_owner(asking.chain, target.wire(), asking.writer)) {
            tell(asking, zones::extended_error::kOther, "the CNAMEs lead round in a circle");
            return finish(asking, Rcode::NoError, zones::header::kAa);
        }
        asking.served = zone_for(asking.route, target, asking.query.qtype);
        block = asking.served == nullptr ? nullptr : &routing_.blocks[asking.served->block];
        if (block == nullptr || block->config->empty) {
            tell(asking, zones::extended_error::kNotAuthoritative,
                 "no server block is for the name that this one leads to");
            return finish(asking, Rcode::Refused, zones::header::kAa);
        }
        name = {*next, &target, nullptr};
        if (block->config->fixed && answer_link_at_once(asking, *block, name)) {
            return asking.size;
        }
    }
}

/// `any`, `chaos` and `local` see the name that was asked, and come before all others.
bool Pipeline::answer_at_once(Asking& asking, std::uint32_t random) {
    const auto reply =
        answer_fixed(*asking.block->config->fixed, asking.query, random, asking.writer);
    if (!reply) {
        return false;
    }
    asking.unshaped = true;
    asking.author = reply->author;
    tell_if_nothing_local(asking);
    asking.size = finish(asking, reply->rcode, 0);
    return true;
}

/// Of the three only `local` is about names that a CNAME may lead to.
bool Pipeline::answer_link_at_once(Asking& asking, const Block& block,
                                   const zones::AskedName& name) {
    const auto& local = block.config->fixed->local;
    if (!local || asking.query.qclass != zones::kClassIn) {
        return false;
    }
    const auto rcode = answer_local(*local, name, asking.query.qtype, asking.writer);
    if (rcode) {
        asking.author = Author::Local;
        tell_if_nothing_local(asking);
        asking.size = finish(asking, *rcode, authority_over(asking.chain));
    }
    return rcode.has_value();
}

/// `whoami`. At the end of a chain it has nothing that could follow a CNAME.
std::size_t Pipeline::tell_client_its_address(Asking& asking) {
    if (asking.chain.links == 0) {
        asking.author = Author::Whoami;
        answer_whoami(asking.query, asking.client, asking.writer);
    }
    return finish(asking, Rcode::NoError, zones::header::kAa);
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
        if (refuses_class(block, *name.lowered)) {
            tell(asking, zones::extended_error::kNotSupported, "only class IN is served");
            asking.size = finish(asking, Rcode::Refused, authority_over(asking.chain));
        } else {
            asking.size = forward(asking, block, name.placed);
        }
        return std::nullopt;
    }
    if (block.cluster != nullptr) {
        using Outcome = zones::ClusterZone::Outcome;
        const auto result =
            block.cluster->zone().answer(name, asking.style, asking.chain,
                                         snapshots_[block.cluster_index].current(), asking.writer);
        if (result.outcome == Outcome::Done || result.outcome == Outcome::NextName) {
            asking.author = result.rcode == Rcode::ServFail ? Author::Server : Author::Kubernetes;
        }
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
    const Action action = block.acl->decide(qname, asking.query.qtype, asking.client);
    if (asking.counted != nullptr) {
        count_decision(asking, action);
    }
    if (action == Action::Allow) {
        return false;
    }
    if (action == Action::Drop) {
        drop(asking, DropReason::Acl);
        return true;
    }
    const bool blocked = action == Action::Block;
    asking.author = Author::Acl;
    if (blocked) {
        tell(asking, zones::extended_error::kBlocked, "blocked by acl");
    } else {
        tell(asking, zones::extended_error::kFiltered, "filtered by acl");
    }
    asking.size =
        finish(asking, blocked ? Rcode::Refused : Rcode::NoError, authority_over(asking.chain));
    return true;
}

/// A query is allowed once, however many names it leads to.
void Pipeline::count_decision(Asking& asking, AccessList::Action action) {
    ZoneCells& cells = *asking.counted;
    switch (action) {
        case AccessList::Action::Allow:
            cells.acl_allowed.add(asking.allowed ? 0 : 1);
            asking.allowed = true;
            break;
        case AccessList::Action::Block:
            cells.acl_blocked.add();
            break;
        case AccessList::Action::Filter:
            cells.acl_filtered.add();
            break;
        case AccessList::Action::Drop:
            cells.acl_dropped.add();
            break;
    }
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
            asking.author = Author::Server;
            tell(asking, zones::extended_error::kOther, "the hosts table has no such record");
            asking.size = finish(asking, Rcode::ServFail, authority_over(asking.chain));
            break;
        case Hosts::Outcome::NoData:
            tell(asking, zones::extended_error::kOther, "the hosts table has no such record");
            [[fallthrough]];
        case Hosts::Outcome::Answered:
            asking.author = Author::Hosts;
            asking.size = finish(asking, Rcode::NoError, zones::header::kAa);
            break;
    }
    return {.done = true};
}

Pipeline::Step Pipeline::answer_from_templates(Asking& asking, const Templates& templates,
                                               const zones::AskedName& name) {
    const auto result =
        templates.answer(name, asking.query, asking.client, asking.chain, asking.writer);
    if (result.zone != nullptr && asking.served->series != nullptr &&
        asking.served->series->scraped) {
        meter_.template_matched(*asking.served->series, result.zone->to_string(), asking.query,
                                result.bad_section, std::string(result.bad_record));
    }
    switch (result.outcome) {
        case Templates::Outcome::NextPlugin:
            return {};
        case Templates::Outcome::NextName:
            asking.author = Author::Template;
            return {.done = true, .next = result.target};
        case Templates::Outcome::Failed:
            tell(asking, zones::extended_error::kOther, "a template of the server failed");
            asking.size = fail(asking, Rcode::ServFail, result.why);
            break;
        case Templates::Outcome::Answered:
            asking.author = Author::Template;
            if (result.extended_error) {
                asking.writer.set_extended_error(*result.extended_error,
                                                 result.extended_error_text);
            } else if (result.rcode != Rcode::NoError) {
                tell(asking, zones::extended_error::kOther, "by a template of the server");
            }
            asking.size = finish(asking, result.rcode, zones::header::kAa);
            break;
    }
    return {.done = true};
}

}  // namespace server

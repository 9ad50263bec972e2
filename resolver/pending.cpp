#include "resolver/pending.h"

#include <cerrno>

namespace resolver {

void Pending::renew(const UpstreamQuery& asked) {
    static_cast<Progress&>(*this) = {};
    channel = nullptr;
    query = asked;
    outcome = Outcome::Failed;
    system_error = 0;
    datagram_size = 0;
    reply.clear();
    waiters.clear();
}

int cause_of(const Pending& pending) {
    return pending.outcome == Outcome::Reply ? EBADMSG : pending.system_error;
}

Verdict judge(const Pending& pending, RcodeSet failover) {
    if (pending.outcome == Outcome::Abandoned)
        return Verdict::AskOverTcp;  // where nobody guesses
    if (pending.outcome != Outcome::Reply)
        return pending.outcome == Outcome::Timeout ? Verdict::TimedOut : Verdict::Failed;
    const auto header = check_reply(pending.reply, pending.query);
    if (!header)
        return Verdict::Failed;
    const bool cut = pending.datagram_size > pending.reply.size();
    if (!pending.tcp && (header->truncated || cut))
        return Verdict::AskOverTcp;
    // RFC 6891 §7: a responder that does not know OPT says FORMERR, and has none in its reply.
    if (pending.edns && header->rcode == kRcodeFormErr && !header->has_additional)
        return Verdict::AskWithoutOpt;
    return (failover >> header->rcode & 1U) != 0 ? Verdict::PassOver : Verdict::Answer;
}

}  // namespace resolver

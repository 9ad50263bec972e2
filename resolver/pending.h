// One question on its way upstream, everybody who waits for its reply, and what a reply to it
// means. Knows DNS headers; knows no upstream's state. Owned by the forwarder; lives on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "resolver/channel.h"
#include "resolver/reply_check.h"
#include "resolver/upstream_list.h"

namespace resolver {

/// Who waits, and how they spelled the name; empty: as the query that is sent.
struct Waiter {
    Forwarder::Completion completion;
    std::vector<std::uint8_t> qname;
};

struct Pending;

/// How far it has come.
struct Progress {
    std::uint64_t fingerprint = 0;
    Pending* next = nullptr;  // of those in flight
    Turn turn;
    UpstreamServer* server = nullptr;
    std::uint32_t failures = 0;
    std::uint32_t passed_over = 0;           // replies, for their rcode
    std::vector<std::uint8_t> last_reply;    // of those
    std::unique_ptr<Upstream> last_replied;  // who gave it, and may have left the list since
    Clock::time_point deadline;
    Clock::time_point sent;
    bool starts_with_tcp = false;
    bool tcp = false;
    bool edns = true;
    std::size_t index = 0;  // in the forwarder's table
};

/// It outlives its waiters while c-ares still knows of it.
struct Pending : Exchange, Progress {
    explicit Pending(const UpstreamQuery& asked) : query(asked) {}

    /// As new, but for the memory that its vectors hold.
    void renew(const UpstreamQuery& asked);

    ForwardReply replied() const { return {reply, &server->upstream()}; }

    UpstreamQuery query;
    std::vector<Waiter> waiters;  // empty once completed
};

/// What has failed of an exchange that judge() has found so; as ForwardFailure::cause.
int cause_of(const Pending& pending);

enum class Verdict {
    Answer,
    PassOver,  // an answer, but another upstream's is wanted
    AskOverTcp,
    AskWithoutOpt,
    TimedOut,
    Failed,
};

/// What follows from an exchange that has ended.
Verdict judge(const Pending& pending, RcodeSet failover);

}  // namespace resolver

// What the tests of the forwarder share: a reactor, ways to ask, and a record of what came back.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "resolver/forward.h"
#include "tests/support/fake_upstream.h"
#include "tests/support/poll_reactor.h"

namespace support {

/// What a completion said; `calls` is 1 if it kept its promise.
struct Answer {
    int calls = 0;
    Octets reply;
    std::optional<resolver::ForwardError> error;
    std::optional<resolver::Upstream> by;      // who gave the reply
    std::optional<resolver::Upstream> blamed;  // the upstream that the failure names
    int cause = 0;

    void take(const resolver::ForwardReply& given) {
        reply.assign(given.message.begin(), given.message.end());
        by = *given.upstream;
    }
    void take(const resolver::ForwardFailure& failure) {
        error = failure.error;
        cause = failure.cause;
        if (failure.upstream != nullptr)
            blamed = *failure.upstream;
    }
    bool is_reply() const { return calls == 1 && !error; }
    bool is_error(resolver::ForwardError expected) const { return calls == 1 && error == expected; }
};

using AnswerPtr = std::shared_ptr<Answer>;

/// Wire form of a dotted name without escapes.
Octets wire_name(std::string_view dotted);

/// Options for these upstreams with a short read_timeout.
resolver::ForwardOptions options_for(const std::vector<const FakeUpstream*>& upstreams);

resolver::Forwarder::Completion record(AnswerPtr answer);

/// Asks for the A record of `name`, or for what `question` says but for its name.
AnswerPtr ask(resolver::Forwarder& forwarder, std::string_view name = "Example.org",
              resolver::Question question = {.qname = {}, .qtype = 1});

/// Asks and waits.
Answer ask_and_wait(resolver::Forwarder& forwarder, PollReactor& reactor,
                    std::string_view name = "Example.org",
                    resolver::Question question = {.qname = {}, .qtype = 1});

/// What an upstream was asked for clients, and what only to see whether it lives: probes alone have
/// no OPT, unless it has said that it knows none.
std::size_t questions(const FakeUpstream& upstream);
std::size_t probes(const FakeUpstream& upstream);

/// An upstream's script that answers everything.
void answer_all(FakeUpstream& upstream, const Received& query);
/// One that never answers.
void stay_silent(FakeUpstream& upstream, const Received& query);

}  // namespace support

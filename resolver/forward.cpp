#include "resolver/forward.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <utility>

#include "resolver/in_flight.h"
#include "resolver/pending.h"
#include "resolver/upstream_list.h"

namespace resolver {

namespace {

using std::chrono::milliseconds;

// Stub resolvers wait 5 s; an answer that comes later is an answer to nobody.
constexpr milliseconds kLongestWait{5000};
constexpr milliseconds kTick{100};
constexpr milliseconds kReread{2000};
constexpr std::uint32_t kFailuresPerUpstream = 2;
constexpr std::uint32_t kMostFailures = 100;  // a port that refuses costs no time, but CPU
constexpr std::size_t kMostPending = 10'000;
constexpr std::size_t kMostSpares = 256;

using Result = tl::expected<ForwardReply, ForwardFailure>;

/// One that no upstream is to blame for.
Result fault_of(ForwardError error) {
    return tl::unexpected(ForwardFailure{.error = error});
}

void count_socket(UpstreamCounters& counters, bool tcp, bool opened) {
    ++(tcp ? (opened ? counters.tcp_opened : counters.tcp_kept)
           : (opened ? counters.udp_opened : counters.udp_kept));
}

}  // namespace

struct Forwarder::Impl {
    Impl(Reactor& reactor, ForwardOptions given);

    void ask(const Question& question, Completion completion);
    void handle_finished();
    void tick();
    void stop();

    void reread(Clock::time_point now);
    void expire(Clock::time_point now);
    bool choose(Pending& pending);
    void start(Pending& pending, Clock::time_point now);
    void send(Pending& pending, Clock::time_point now);
    void handle(Pending& pending);
    Verdict settle(Pending& pending);
    void pass_over(Pending& pending);
    void try_next(Pending& pending, ForwardError error, int cause);
    void fail(Pending& pending, const ForwardFailure& failure);
    void complete(Pending& pending, std::span<std::uint8_t> reply, const Result& result);
    Pending& add(const UpstreamQuery& query, std::uint64_t fingerprint);
    void remove(Pending& pending);
    std::uint32_t most_failures() const;

    ForwardOptions options;
    RandomBits random;
    InFlight in_flight{random};
    SocketTable sockets;
    ForwardCounters totals;
    bool stopping = false;
    bool handling = false;
    std::size_t open = 0;  // waiters
    Clock::time_point next_reread = Clock::now() + kReread;
    std::vector<std::unique_ptr<Pending>> table;  // null: free
    std::vector<std::size_t> free_places;         // in it, the latest last
    std::vector<std::unique_ptr<Pending>> spares;
    FinishedQueue finished;
    UpstreamList upstreams;  // last: channels refer to the table and the queue
};

Forwarder::Impl::Impl(Reactor& reactor, ForwardOptions given)
    : options(std::move(given)), sockets(reactor), upstreams(sockets, finished, options) {
    if (!upstreams.take(options.upstreams))
        throw std::invalid_argument(
            "1 to 15 addresses of upstreams are needed, and a "
            "source_address must be one too");
}

void Forwarder::Impl::ask(const Question& question, Completion completion) {
    const bool full = table.size() - free_places.size() >= kMostPending || open >= kMostPending ||
                      (options.max_concurrent != 0 && open >= options.max_concurrent);
    if (stopping || full) {
        completion(fault_of(stopping ? ForwardError::Stopped : ForwardError::Overload));
        return;
    }
    const UpstreamQuery query(question);
    const auto fingerprint = in_flight.fingerprint(query);
    const auto now = Clock::now();
    const auto deadline = now + std::min(question.patience, kLongestWait);
    auto* pending = in_flight.find(query, fingerprint);
    const bool joins = pending != nullptr && pending->deadline <= deadline;
    if (!joins)
        pending = &add(query, fingerprint);
    ++open;
    pending->waiters.push_back({std::move(completion), {}});
    if (joins) {
        pending->waiters.back().qname.assign(question.qname.begin(), question.qname.end());
        ++totals.merged;
        return;
    }
    pending->deadline = deadline;
    pending->starts_with_tcp = options.force_tcp || (question.over_tcp && !options.prefer_udp);
    start(*pending, now);
    handle_finished();
}

/// The next upstream in good health; or, with none, any. False if that is not wanted, or all loop.
bool Forwarder::Impl::choose(Pending& pending) {
    pending.server = upstreams.next(pending.turn, random);
    if (pending.server != nullptr)
        return true;
    ++totals.all_down;
    pending.server = upstreams.any(random);
    return pending.server != nullptr && !options.failfast;
}

void Forwarder::Impl::start(Pending& pending, Clock::time_point now) {
    if (!choose(pending)) {
        fail(pending, {.error = ForwardError::Network});
        remove(pending);
        return;
    }
    pending.tcp = pending.starts_with_tcp;
    pending.edns = true;
    send(pending, now);
}

void Forwarder::Impl::send(Pending& pending, Clock::time_point now) {
    auto* channel = pending.server->pick(pending.tcp, pending.edns, random, now);
    ++pending.server->counters().queries;
    pending.sent = now;
    if (channel != nullptr) {
        const bool opened = channel->send(pending.query, random.next(), pending.edns, pending);
        count_socket(pending.server->counters(), pending.tcp, opened);
        return;
    }
    pending.outcome = Outcome::Failed;
    pending.system_error = ENOMEM;
    finished.push_back(&pending);
}

// The queue may grow while it is worked off: a completion may ask(), and sending may fail at once.
void Forwarder::Impl::handle_finished() {
    if (handling)
        return;
    handling = true;
    for (std::size_t next = 0; next < finished.size(); ++next)
        handle(static_cast<Pending&>(*finished[next]));
    finished.clear();
    handling = false;
}

void Forwarder::Impl::handle(Pending& pending) {
    const auto verdict = settle(pending);
    if (pending.waiters.empty()) {  // its deadline has passed
        remove(pending);
        return;
    }
    switch (verdict) {
        case Verdict::Answer:
            complete(pending, pending.reply, pending.replied());
            remove(pending);
            return;
        case Verdict::PassOver:
            pass_over(pending);
            return;
        case Verdict::AskOverTcp:
            pending.tcp = true;
            send(pending, Clock::now());
            return;
        case Verdict::AskWithoutOpt:
            pending.edns = false;
            send(pending, Clock::now());
            return;
        case Verdict::TimedOut:
            try_next(pending, ForwardError::Timeout, 0);
            return;
        case Verdict::Failed:
            try_next(pending, ForwardError::Network, cause_of(pending));
            return;
    }
}

/// Takes leave of the channel, and keeps it from further use where the outcome tells against it.
Verdict Forwarder::Impl::settle(Pending& pending) {
    const auto verdict = judge(pending, options.failover);
    const bool failed = verdict == Verdict::TimedOut || verdict == Verdict::Failed;
    if (auto* channel = pending.channel) {
        // A connection that hangs would hang the next question too; and FORMERR may have turned
        // EDNS off for the whole channel.
        if ((failed && pending.tcp) || verdict == Verdict::AskWithoutOpt)
            channel->retire();
        channel->settle(pending);
    }
    if (failed) {
        ++pending.server->counters().failures;
        pending.server->health().suspect(random, Clock::now());
    } else if (auto* meter = pending.server->meter(); meter && pending.outcome == Outcome::Reply) {
        meter->replied(pending.reply[3] & 0x0fU, Clock::now() - pending.sent);
    }
    return verdict;
}

/// As many upstreams as there are; the last one's reply is the answer, whatever it says.
void Forwarder::Impl::pass_over(Pending& pending) {
    const auto now = Clock::now();
    if (pending.passed_over + 1 >= upstreams.size() || now + kTick >= pending.deadline) {
        complete(pending, pending.reply, pending.replied());
        remove(pending);
        return;
    }
    ++pending.passed_over;
    ++totals.failovers;
    pending.last_reply = std::move(pending.reply);
    pending.last_replied = std::make_unique<Upstream>(pending.server->upstream());
    start(pending, now);
}

std::uint32_t Forwarder::Impl::most_failures() const {
    const auto by_default = kFailuresPerUpstream * static_cast<std::uint32_t>(upstreams.size());
    const auto most = options.max_connect_attempts.value_or(by_default);
    return most == 0 ? kMostFailures : std::min(most, kMostFailures);
}

void Forwarder::Impl::try_next(Pending& pending, ForwardError error, int cause) {
    const auto now = Clock::now();
    if (++pending.failures >= most_failures() || now + kTick >= pending.deadline) {
        fail(pending, {error, &pending.server->upstream(), cause});
        remove(pending);
        return;
    }
    start(pending, now);
}

/// With the reply that was passed over in hope of a better one, if there is one.
void Forwarder::Impl::fail(Pending& pending, const ForwardFailure& failure) {
    if (pending.last_reply.empty())
        complete(pending, {}, tl::unexpected(failure));
    else
        complete(pending, pending.last_reply,
                 ForwardReply{pending.last_reply, pending.last_replied.get()});
}

/// Completes what would be too late at the next tick; c-ares still holds it until its own time-out.
void Forwarder::Impl::expire(Clock::time_point now) {
    handling = true;  // what a completion causes must not change the table under this loop
    for (std::size_t i = 0; i < table.size(); ++i) {  // a completion may ask, and so move the table
        Pending* pending = table[i].get();
        if (pending != nullptr && !pending->waiters.empty() && now + kTick >= pending->deadline)
            fail(*pending, {ForwardError::Timeout, &pending->server->upstream()});
    }
    handling = false;
}

void Forwarder::Impl::reread(Clock::time_point now) {
    if (!options.reread || now < next_reread)
        return;
    next_reread = now + kReread;
    if (const auto list = options.reread())
        upstreams.take(*list);
}

void Forwarder::Impl::tick() {
    const auto now = Clock::now();
    upstreams.tick(random, now);
    expire(now);
    handle_finished();
    reread(now);
}

void Forwarder::Impl::stop() {
    stopping = true;
    upstreams.clear();
    finished.clear();
    for (const auto& pending : table) {
        if (pending && !pending->waiters.empty())
            complete(*pending, {}, fault_of(ForwardError::Stopped));
    }
}

/// Everybody gets `result`, with the name in its reply as they spelled it; `reply` is that reply.
void Forwarder::Impl::complete(Pending& pending, std::span<std::uint8_t> reply,
                               const Result& result) {
    in_flight.remove(pending);
    auto waiters = std::exchange(pending.waiters, {});
    for (const auto& waiter : waiters) {
        --open;
        if (!result) {
            waiter.completion(result);
            continue;
        }
        const auto as_asked = waiter.qname.empty() ? pending.query.question() : waiter.qname;
        std::ranges::copy(as_asked, reply.begin() + kHeaderLength);
        waiter.completion(result);
    }
    waiters.clear();
    pending.waiters = std::move(waiters);  // empty, but for its memory
}

Pending& Forwarder::Impl::add(const UpstreamQuery& query, std::uint64_t fingerprint) {
    if (free_places.empty()) {
        free_places.push_back(table.size());
        table.emplace_back();
    }
    const std::size_t place = free_places.back();
    free_places.pop_back();
    auto& pending = table[place];
    if (spares.empty()) {
        pending = std::make_unique<Pending>(query);
    } else {
        pending = std::move(spares.back());
        spares.pop_back();
        pending->renew(query);
    }
    pending->index = place;
    pending->fingerprint = fingerprint;
    in_flight.add(*pending);
    return *pending;
}

void Forwarder::Impl::remove(Pending& pending) {
    const std::size_t place = pending.index;
    if (spares.size() < kMostSpares)
        spares.push_back(std::move(table[place]));
    table[place].reset();
    free_places.push_back(place);
}

Forwarder::Forwarder(Reactor& reactor, ForwardOptions options)
    : impl_(std::make_unique<Impl>(reactor, std::move(options))) {}

Forwarder::~Forwarder() {
    impl_->stop();
}

void Forwarder::ask(const Question& question, Completion completion) {
    impl_->ask(question, std::move(completion));
}

bool Forwarder::process(int fd, bool readable, bool writable) {
    auto* channel = impl_->sockets.find(fd);
    if (channel == nullptr)
        return false;
    channel->process(fd, readable, writable);
    impl_->upstreams.handle_probes();
    impl_->handle_finished();
    return true;
}

void Forwarder::flush() {
    while (impl_->sockets.has_unsent()) {  // again if what cannot be sent goes elsewhere
        impl_->sockets.flush();
        impl_->upstreams.handle_probes();
        impl_->handle_finished();
    }
}

void Forwarder::tick() {
    impl_->tick();
}

std::size_t Forwarder::pending() const {
    return impl_->open;
}

std::vector<UpstreamCounters> Forwarder::counters() const {
    std::vector<UpstreamCounters> counters;
    for (const auto& server : impl_->upstreams.servers())
        counters.push_back(server->counters());
    return counters;
}

const ForwardCounters& Forwarder::totals() const {
    return impl_->totals;
}

std::vector<Upstream> Forwarder::upstreams() const {
    std::vector<Upstream> upstreams;
    for (const auto& server : impl_->upstreams.servers())
        upstreams.push_back(server->upstream());
    return upstreams;
}

bool Forwarder::down(std::size_t index) const {
    return !impl_->upstreams.servers().at(index)->usable();
}

}  // namespace resolver

#include "resolver/forward.h"

#include <algorithm>
#include <arpa/inet.h>
#include <memory>
#include <stdexcept>
#include <utility>

#include "resolver/channel_pool.h"
#include "resolver/reply_check.h"
#include "resolver/upstream_order.h"
#include "resolver/upstream_query.h"

namespace resolver {

namespace {

using std::chrono::milliseconds;

// Stub resolvers wait 5 s; an answer that comes later is an answer to nobody.
constexpr milliseconds kLongestWait{5000};
constexpr milliseconds kTick{100};
constexpr std::size_t kTriesPerUpstream = 2;
constexpr std::size_t kMostPending = 10'000;
constexpr std::size_t kUdpChannels = 16;  // shared out among the upstreams
constexpr std::size_t kTcpChannels = 2;   // for each upstream

/// One question on its way. It outlives its completion while c-ares still knows of it.
struct Pending : Exchange {
    Pending(const Question& question, Forwarder::Completion&& on_done)
        : query(question), completion(std::move(on_done)) {}

    UpstreamQuery query;
    Forwarder::Completion completion;  // empty once called
    Order order{};
    std::size_t tries = 0;
    Clock::time_point deadline;
    bool starts_with_tcp = false;
    bool tcp = false;
    bool edns = true;
    std::size_t index = 0;  // in the table
};

struct UpstreamState {
    ChannelPool udp;
    ChannelPool udp_plain;
    ChannelPool tcp;
    UpstreamCounters counters;
};

enum class Verdict { Answer, AskOverTcp, AskWithoutOpt, TimedOut, Failed };

Verdict judge(const Pending& pending) {
    if (pending.outcome != Outcome::Reply)
        return pending.outcome == Outcome::Timeout ? Verdict::TimedOut : Verdict::Failed;
    const auto header = check_reply(pending.reply, pending.query);
    if (!header)
        return Verdict::Failed;
    // c-ares cuts a longer datagram off at exactly these sizes and does not say so.
    const std::size_t size = pending.reply.size();
    const bool cut = size == kPlainPayload || size == kUpstreamPayload;
    if (!pending.tcp && (header->truncated || cut))
        return Verdict::AskOverTcp;
    // RFC 6891 §7: a responder that does not know OPT says FORMERR, and has none in its reply.
    if (pending.edns && header->rcode == kRcodeFormErr && !header->has_additional)
        return Verdict::AskWithoutOpt;
    return Verdict::Answer;
}

ServerAddress parse_server(const Upstream& upstream) {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, upstream.address.c_str(), &v4) == 1)
        return {v4, upstream.port};
    if (inet_pton(AF_INET6, upstream.address.c_str(), &v6) == 1)
        return {v6, upstream.port};
    throw std::invalid_argument("not an address: " + upstream.address);
}

}  // namespace

struct Forwarder::Impl {
    Impl(Reactor& reactor, ForwardOptions given);

    void ask(const Question& question, Completion completion);
    void handle_finished();
    void expire(Clock::time_point now);
    void stop();

    void start(Pending& pending, Clock::time_point now);
    void handle(Pending& pending);
    Verdict settle(Pending& pending);
    void try_next(Pending& pending, ForwardError error);
    void complete(Pending& pending,
                  tl::expected<std::span<const std::uint8_t>, ForwardError> result);
    Pending& add(const Question& question, Completion&& completion);
    void remove(Pending& pending);
    UpstreamState& upstream_of(const Pending& pending);

    ForwardOptions options;
    RandomBits random;
    UpstreamOrder order;
    SocketTable sockets;
    bool stopping = false;
    bool handling = false;
    std::size_t open = 0;  // not completed yet
    std::vector<std::unique_ptr<Pending>> table;
    FinishedQueue finished;
    std::vector<UpstreamState> upstreams;  // last: channels refer to the table and the queue
};

Forwarder::Impl::Impl(Reactor& reactor, ForwardOptions given)
    : options(std::move(given)), order(options.policy, options.upstreams.size()), sockets(reactor) {
    const std::size_t count = options.upstreams.size();
    if (count == 0 || count > kMostUpstreams)
        throw std::invalid_argument("1 to 15 upstreams are possible");
    const auto timeout = std::clamp(options.read_timeout, milliseconds{1}, kLongestWait);
    const auto pool = [&](const ServerAddress& server, Transport transport, std::size_t size) {
        return ChannelPool(sockets, finished, server, transport, timeout, size);
    };
    upstreams.reserve(count);
    for (const auto& upstream : options.upstreams) {
        const auto server = parse_server(upstream);
        upstreams.push_back(
            {pool(server, Transport::Udp, std::max(kUdpChannels / count, std::size_t{2})),
             pool(server, Transport::UdpPlain, 2),
             pool(server, Transport::Tcp, kTcpChannels),
             {}});
    }
}

void Forwarder::Impl::ask(const Question& question, Completion completion) {
    const bool full = table.size() >= kMostPending ||
                      (options.max_concurrent != 0 && open >= options.max_concurrent);
    if (stopping || full) {
        completion(tl::unexpected(stopping ? ForwardError::Stopped : ForwardError::Overload));
        return;
    }
    const auto now = Clock::now();
    auto& pending = add(question, std::move(completion));
    pending.deadline = now + kLongestWait;
    pending.order = order.next(random);
    pending.starts_with_tcp = options.force_tcp || (question.over_tcp && !options.prefer_udp);
    pending.tcp = pending.starts_with_tcp;
    start(pending, now);
    handle_finished();
}

void Forwarder::Impl::start(Pending& pending, Clock::time_point now) {
    auto& upstream = upstream_of(pending);
    auto& udp = pending.edns ? upstream.udp : upstream.udp_plain;
    auto* channel = (pending.tcp ? upstream.tcp : udp).pick(random, now);
    ++upstream.counters.queries;
    if (channel != nullptr) {
        channel->send(pending.query.message(random.next(), pending.edns), pending);
        return;
    }
    pending.outcome = Outcome::Failed;
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
    if (!pending.completion) {  // its deadline has passed
        remove(pending);
        return;
    }
    switch (verdict) {
        case Verdict::Answer:
            complete(pending, std::span<const std::uint8_t>(pending.reply));
            remove(pending);
            return;
        case Verdict::AskOverTcp:
            pending.tcp = true;
            start(pending, Clock::now());
            return;
        case Verdict::AskWithoutOpt:
            pending.edns = false;
            start(pending, Clock::now());
            return;
        case Verdict::TimedOut:
            try_next(pending, ForwardError::Timeout);
            return;
        case Verdict::Failed:
            try_next(pending, ForwardError::Network);
            return;
    }
}

/// Takes leave of the channel, and keeps it from further use where the outcome tells against it.
Verdict Forwarder::Impl::settle(Pending& pending) {
    const auto verdict = judge(pending);
    const bool failed = verdict == Verdict::TimedOut || verdict == Verdict::Failed;
    if (failed)
        ++upstream_of(pending).counters.failures;
    if (auto* channel = pending.channel) {
        // A connection that hangs would hang the next question too; and FORMERR may have turned
        // EDNS off for the whole channel.
        if ((failed && pending.tcp) || verdict == Verdict::AskWithoutOpt)
            channel->retire();
        channel->settle(pending);
    }
    return verdict;
}

void Forwarder::Impl::try_next(Pending& pending, ForwardError error) {
    const auto now = Clock::now();
    ++pending.tries;
    if (pending.tries >= kTriesPerUpstream * upstreams.size() || now + kTick >= pending.deadline) {
        complete(pending, tl::unexpected(error));
        remove(pending);
        return;
    }
    pending.tcp = pending.starts_with_tcp;
    pending.edns = true;
    start(pending, now);
}

/// Completes what would be too late at the next tick; c-ares still holds it until its own time-out.
void Forwarder::Impl::expire(Clock::time_point now) {
    handling = true;  // what a completion causes must not change the table under this loop
    for (std::size_t i = 0; i < table.size(); ++i) {
        auto& pending = *table[i];
        if (pending.completion && now + kTick >= pending.deadline)
            complete(pending, tl::unexpected(ForwardError::Timeout));
    }
    handling = false;
}

void Forwarder::Impl::stop() {
    stopping = true;
    upstreams.clear();
    finished.clear();
    for (const auto& pending : table) {
        if (pending->completion)
            complete(*pending, tl::unexpected(ForwardError::Stopped));
    }
}

void Forwarder::Impl::complete(Pending& pending,
                               tl::expected<std::span<const std::uint8_t>, ForwardError> result) {
    const auto completion = std::exchange(pending.completion, nullptr);
    --open;
    completion(result);
}

Pending& Forwarder::Impl::add(const Question& question, Completion&& completion) {
    table.push_back(std::make_unique<Pending>(question, std::move(completion)));
    table.back()->index = table.size() - 1;
    ++open;
    return *table.back();
}

void Forwarder::Impl::remove(Pending& pending) {
    const std::size_t index = pending.index;
    std::swap(table[index], table.back());
    table[index]->index = index;
    table.pop_back();
}

UpstreamState& Forwarder::Impl::upstream_of(const Pending& pending) {
    return upstreams[pending.order[pending.tries % upstreams.size()]];
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
    impl_->handle_finished();
    return true;
}

void Forwarder::tick() {
    const auto now = Clock::now();
    for (auto& upstream : impl_->upstreams) {
        upstream.udp.tick(now);
        upstream.udp_plain.tick(now);
        upstream.tcp.tick(now);
    }
    impl_->expire(now);
    impl_->handle_finished();
}

std::size_t Forwarder::pending() const {
    return impl_->open;
}

std::vector<UpstreamCounters> Forwarder::counters() const {
    std::vector<UpstreamCounters> counters;
    for (const auto& upstream : impl_->upstreams)
        counters.push_back(upstream.counters);
    return counters;
}

}  // namespace resolver

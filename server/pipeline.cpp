#include "server/pipeline.h"

#include <algorithm>
#include <sys/random.h>

#include "server/pending_query.h"

namespace server {
namespace {

using zones::Rcode;
using zones::Verdict;
using Outcome = zones::ClusterZone::Outcome;

constexpr std::size_t kMaxPending = 10000;

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    while (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    }
    return seed | 1U;
}

/// xorshift64* (Marsaglia, Vigna): which record comes first is no secret.
std::uint32_t next_random(std::uint64_t& state) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<std::uint32_t>(state * 0x2545f4914f6cdd1dU >> 32);
}

std::string text_of(resolver::ForwardError error, std::size_t max_concurrent) {
    switch (error) {
        case resolver::ForwardError::Timeout:
            return "i/o timeout";
        case resolver::ForwardError::Network:
            return "no upstream could be reached";
        case resolver::ForwardError::Overload:
            return "concurrent queries exceeded maximum " +
                   std::to_string(max_concurrent == 0 ? kMaxPending : max_concurrent);
        case resolver::ForwardError::Stopped:
            break;
    }
    return "the server is stopping";
}

/// RFC 8914 §4.23, §4.24; 0 where the upstream is not to blame.
std::uint16_t code_of(resolver::ForwardError error) {
    switch (error) {
        case resolver::ForwardError::Timeout:
            return zones::extended_error::kNoReachableAuthority;
        case resolver::ForwardError::Network:
            return zones::extended_error::kNetworkError;
        default:
            return 0;
    }
}

}  // namespace

std::size_t write_bare_header(zones::Octets message, Rcode rcode, std::span<std::uint8_t> out) {
    std::fill_n(out.begin(), zones::kHeaderSize, std::uint8_t{0});
    out[0] = message[0];
    out[1] = message[1];
    out[2] =
        static_cast<std::uint8_t>(zones::header::kQr | (message[2] & zones::header::kOpcodeMask));
    out[3] = static_cast<std::uint8_t>(rcode);
    return zones::kHeaderSize;
}

Pipeline::Pipeline(const Routing& routing, resolver::Reactor& reactor, ReplySender& sender)
    : routing_(routing),
      sender_(sender),
      random_(random_seed()),
      late_reply_(zones::kMaxMessageSize) {
    for (const auto& cluster : routing.clusters) {
        snapshots_.emplace_back(cluster->published());
    }
    for (const ForwardConfig* config : routing.forwards) {
        forwarders_.push_back(std::make_unique<resolver::Forwarder>(reactor, config->options));
    }
}

Pipeline::~Pipeline() {
    stop();
}

void Pipeline::stop() {
    stopping_ = true;  // a reply may let a connection ask its next question
    forwarders_.clear();
}

void Pipeline::begin_batch(Clock::time_point now) {
    now_ = now;
    for (auto& snapshot : snapshots_) {
        snapshot.refresh();
    }
}

void Pipeline::tick() {
    begin_batch(Clock::now());
    for (const auto& forwarder : forwarders_) {
        forwarder->tick();
    }
    end_batch();
}

bool Pipeline::process_upstream(int fd, bool readable, bool writable) {
    return std::any_of(forwarders_.begin(), forwarders_.end(), [&](const auto& forwarder) {
        return forwarder->process(fd, readable, writable);
    });
}

const Block* Pipeline::block_for(const Route& route, const zones::LoweredName& name,
                                 std::uint16_t qtype) const {
    // DS is a question to the parent of a zone (RFC 4035 §3.1.4.1).
    const auto match =
        qtype == zones::qtype::kDs ? route.zones.find_parent_side(name) : route.zones.find(name);
    return match ? &routing_.blocks[match->value] : nullptr;
}

Handled Pipeline::handle(std::span<const std::uint8_t> message, const Client& client,
                         const Route& route, std::span<std::uint8_t> out) {
    ++counters_.queries;
    const Verdict verdict = zones::parse_query(message, query_);
    if (verdict == Verdict::Drop) {
        ++counters_.dropped;
        return {};
    }
    Asking asking{query_, client, route, zones::MessageWriter(out)};
    asking.started = now_;
    asking.writer.begin(query_, client.tcp ? zones::kMaxMessageSize : zones::udp_limit(query_));
    if (verdict != Verdict::Ask) {
        return {refuse(asking, verdict)};
    }
    asking.block = block_for(route, query_.name, query_.qtype);
    if (asking.block == nullptr || asking.block->config->empty) {
        return {finish(asking, Rcode::Refused, 0)};
    }
    const std::size_t size = resolve(asking);
    return {size, asking.waits};
}

std::size_t Pipeline::refuse(Asking& asking, Verdict verdict) {
    ++counters_.malformed;
    switch (verdict) {
        case Verdict::NotImp:
            // The bare header, all flags clear (RFC 8906 §8.1.4).
            return write_bare_header(asking.query.message, Rcode::NotImp, asking.writer.buffer());
        case Verdict::BadVers:
            return finish(asking, Rcode::BadVers, 0);
        case Verdict::NotAuth:
            return finish(asking, Rcode::NotAuth, 0);
        case Verdict::Refused:
            return finish(asking, Rcode::Refused, 0);
        default:
            return finish(asking, Rcode::FormErr, 0);
    }
}

std::size_t Pipeline::resolve(Asking& asking) {
    const Block& block = *asking.block;
    const zones::PlacedName question = asking.writer.question_name();
    if (query_.qclass != zones::kClassIn && refuses_class(block)) {
        return finish(asking, Rcode::Refused, 0);
    }
    if (block.cluster == nullptr || query_.qclass != zones::kClassIn) {
        return forward(asking, block, question);
    }
    asking.style = {.qtype = query_.qtype,
                    .rotate = block.config->loadbalance,
                    .stream = asking.client.tcp,
                    .random = next_random(random_)};
    const auto result =
        block.cluster->zone().answer({question, &query_.name}, asking.style, asking.chain,
                                     snapshots_[block.cluster_index].current(), asking.writer);
    switch (result.outcome) {
        case Outcome::Done:
            return finish(asking, result.rcode, zones::header::kAa);
        case Outcome::NextName:
            return chase(asking, &block, result);
        default:
            return forward(asking, block, question);
    }
}

/// We have no other class than IN; an upstream may.
bool Pipeline::refuses_class(const Block& block) const {
    return block.config->forwards.empty() ||
           (block.cluster != nullptr && block.cluster->zone().is_ours(query_.name));
}

/// Follows a CNAME out of the zone: the target may be another block's, or an upstream's.
std::size_t Pipeline::chase(Asking& asking, const Block* block, zones::ClusterZone::Result result) {
    zones::LoweredName target;
    while (result.outcome == Outcome::NextName) {
        target.assign(asking.writer.placed(result.target));
        if (has_owner(asking.chain, target.wire(), asking.writer)) {  // once round a loop
            return finish(asking, Rcode::NoError, zones::header::kAa);
        }
        block = block_for(asking.route, target, query_.qtype);
        if (block == nullptr) {
            return finish(asking, Rcode::Refused, zones::header::kAa);
        }
        if (block->cluster == nullptr || !block->cluster->zone().is_ours(target)) {
            return forward(asking, *block, result.target);
        }
        result = block->cluster->zone().answer({result.target, &target}, asking.style, asking.chain,
                                               snapshots_[block->cluster_index].current(),
                                               asking.writer);
    }
    return finish(asking, result.rcode, zones::header::kAa);
}

const ForwardConfig* Pipeline::forward_for(const Block& block, zones::NameView name,
                                           std::size_t& index) const {
    const auto qname = zones::Name::from_wire(name);
    for (std::size_t i = 0; qname && i < block.config->forwards.size(); ++i) {
        const ForwardConfig& config = block.config->forwards[i];
        const bool excepted =
            std::any_of(config.except.begin(), config.except.end(),
                        [&](const zones::Name& zone) { return qname->is_at_or_below(zone); });
        // A name equal to FROM is always forwarded, as CoreDNS does.
        if (*qname == config.from || (qname->is_at_or_below(config.from) && !excepted)) {
            index = block.first_forwarder + i;
            return &config;
        }
    }
    return nullptr;
}

std::size_t Pipeline::forward(Asking& asking, const Block& block, zones::PlacedName name) {
    std::size_t index = 0;
    asking.forward = forward_for(block, asking.writer.placed(name), index);
    if (asking.forward == nullptr) {
        return fail(asking, Rcode::ServFail, "no next plugin found");
    }
    if (stopping_ || waiting() >= kMaxPending) {
        return fail(asking,
                    stopping_ ? resolver::ForwardError::Stopped : resolver::ForwardError::Overload);
    }
    ++counters_.forwarded;
    asking.waits = true;
    const std::size_t slot = take_slot(std::make_unique<PendingQuery>(asking));
    const auto qname = asking.writer.placed(name);
    const resolver::Question question{
        .qname = {reinterpret_cast<const std::uint8_t*>(qname.data()), qname.size()},
        .qtype = query_.qtype,
        .qclass = query_.qclass,
        .recursion_desired = query_.recursion_desired(),
        .authentic_data = query_.authentic_data(),
        .checking_disabled = query_.checking_disabled(),
        .dnssec_ok = query_.dnssec_ok,
        .over_tcp = asking.client.tcp};
    forwarders_[index]->ask(question, [this, slot](const auto& reply) {
        const auto pending = std::move(pending_[slot]);
        free_pending_.push_back(slot);
        complete(*pending, reply);
    });
    return 0;
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

void Pipeline::complete(
    PendingQuery& pending,
    const tl::expected<std::span<const std::uint8_t>, resolver::ForwardError>& reply) {
    zones::Query query;
    zones::parse_query(pending.message, query);
    Asking asking = pending.resume(query, late_reply_);
    std::size_t size = 0;
    if (reply) {
        size = relay(asking, *reply);
    } else {
        size = fail(asking, reply.error());
    }
    if (size > 0) {
        sender_.send(asking.client, late_reply_.data(), size);
    }
}

std::size_t Pipeline::relay(Asking& asking, std::span<const std::uint8_t> message) {
    const auto reply = zones::parse_upstream_reply(message);
    if (!reply) {
        return fail(asking, Rcode::ServFail, "malformed reply from upstream");
    }
    const bool chained = asking.chain.links > 0;
    // At the end of a chain the upstream's authority section denies the target, nothing else does.
    const zones::RelayedSections wanted{.authority = !chained || reply->rcode == Rcode::NxDomain,
                                        .additional = !chained};
    const zones::MessageWriter before = asking.writer;
    if (!zones::relay_records(*reply, wanted, asking.writer)) {
        asking.writer = before;  // with the CNAMEs that are ours
        return fail(asking, Rcode::ServFail, "malformed reply from upstream");
    }
    if ((reply->flags2 & zones::header::kTc) != 0) {
        asking.writer.mark_truncated();
    }
    // AD is the upstream's word, for who asked to hear it (RFC 6840 §5.8). AA is ours: set where
    // our own CNAME answers, clear on what is another server's.
    const bool wants_ad = asking.query.dnssec_ok || asking.query.authentic_data();
    asking.flags3 = wants_ad && !chained ? reply->flags3 & zones::header::kAd : 0;
    if (chained && reply->rcode == Rcode::ServFail) {
        asking.writer.set_extended_error(zones::extended_error::kNoReachableAuthority);
    }
    return finish(asking, reply->rcode, chained ? zones::header::kAa : 0);
}

std::size_t Pipeline::fail(Asking& asking, Rcode rcode, std::string_view why) {
    log_.error(*asking.block->config, asking.query, rcode, why);
    // A chain that fails keeps its CNAMEs (RFC 6604 §3), with our authority over them.
    return finish(asking, rcode, asking.chain.links > 0 ? zones::header::kAa : 0);
}

std::size_t Pipeline::fail(Asking& asking, resolver::ForwardError error) {
    // Too many at once is REFUSED, as with CoreDNS, but for a chain, which then has failed.
    const bool refused = error == resolver::ForwardError::Overload && asking.chain.links == 0;
    if (const std::uint16_t code = code_of(error); code != 0) {
        asking.writer.set_extended_error(code);
    }
    return fail(asking, refused ? Rcode::Refused : Rcode::ServFail,
                text_of(error, asking.forward->options.max_concurrent));
}

std::size_t Pipeline::finish(Asking& asking, Rcode rcode, std::uint8_t flags2) {
    // nslookup warns about a server that does not recurse; where we forward, we do.
    const bool recursive = asking.block != nullptr && !asking.block->config->forwards.empty();
    const auto flags3 =
        static_cast<std::uint8_t>(asking.flags3 | (recursive ? zones::header::kRa : 0));
    const std::size_t size = asking.writer.finish(rcode, flags2, flags3);
    if (asking.block != nullptr && !asking.block->config->logs.empty()) {
        log_.reply(*asking.block->config, asking.query, asking.client,
                   {asking.writer.buffer().data(), size}, Clock::now() - asking.started);
    }
    return size;
}

}  // namespace server

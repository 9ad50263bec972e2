#include "server/pipeline.h"

#include <algorithm>
#include <sys/random.h>

#include "server/pending_query.h"
#include "server/top_counts.h"

namespace server {
namespace {

using zones::Rcode;
using zones::Verdict;

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    while (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    }
    return seed | 1U;
}

const ReplyShape* shape_of(const Block* block) {
    return block != nullptr && block->config->shape ? &*block->config->shape : nullptr;
}

/// Counts a reply for `status`, by a hash of its name that is at hand, if there is one. A function
/// of its own, so that it costs nothing where nobody counts; `client` last, so that a product finds
/// its register free.
template <typename Received>
[[gnu::noinline]] void count_reply_to(TopCounts& top, const Received& received,
                                      const std::uint8_t* reply, const Client& client) {
    const std::size_t flags = reply[3];
    const zones::Query& query = received.query;
    const auto where = reinterpret_cast<std::uintptr_t>(received.served);
    if (received.foreseen.octets_before == 0) [[likely]] {
        top.replied(query, TopCounts::key_of(received.foreseen, where), client, flags);
    } else if (received.foreseen.octets_before <= 16) {
        top.replied(query, top.key_of(query.name, received.foreseen, where), client, flags);
    } else if (received.cache != nullptr) {
        top.replied(query, received.cache_hash, client, flags);
    } else {
        top.replied_to_any(query, client, flags);
    }
}

}  // namespace

std::size_t size_limit(const zones::Query& query, const Client& client, const Block* block) {
    const ReplyShape* shape = shape_of(block);
    return client.tcp         ? zones::kMaxMessageSize
           : shape == nullptr ? zones::udp_limit(query)
                              : zones::udp_limit(query, shape->udp_size);
}

bool wants_recursion(const Block& block, const zones::Query& query) {
    const ReplyShape* shape = shape_of(&block);
    return shape == nullptr ? query.recursion_desired() : shape->wants_recursion(query);
}

std::size_t write_bare_header(zones::Octets message, Rcode rcode, std::span<std::uint8_t> out) {
    std::fill_n(out.begin(), zones::kHeaderSize, std::uint8_t{0});
    out[0] = message[0];
    out[1] = message[1];
    out[2] =
        static_cast<std::uint8_t>(zones::header::kQr | (message[2] & zones::header::kOpcodeMask));
    out[3] = static_cast<std::uint8_t>(rcode);
    return zones::kHeaderSize;
}

Pipeline::Pipeline(const Routing& routing, resolver::Reactor& reactor, ReplySender& sender,
                   std::size_t worker)
    : routing_(routing),
      sender_(sender),
      log_(routing.log),
      meter_(routing.metrics, worker),
      top_(routing.top == nullptr ? nullptr : &routing.top->worker(worker)),
      shares_({random_seed(), random_seed()}),
      random_(random_seed()),
      late_reply_(zones::kMaxMessageSize),
      rewritten_reply_(routing.rewrites.empty() ? 0 : zones::kMaxMessageSize),
      cached_(routing.caches.empty() ? 0 : resolver::AnswerCache::kMaxMessage) {
    for (const auto& cluster : routing.clusters) {
        snapshots_.emplace_back(cluster->published());
    }
    for (const auto& hosts : routing.hosts) {
        hosts_.emplace_back(hosts->tables());
    }
    for (const ForwardLine& line : routing.forwards) {
        resolver::ForwardOptions options = line.config->options;
        options.told_down = routing.told_down;
        options.meter_of = [this](const auto& upstream) { return meter_.meter_of(upstream); };
        if (line.loop_zone) {
            options.loops = routing.loops.get();
            options.loop_zone = *line.loop_zone;
        }
        forwarders_.push_back(std::make_unique<resolver::Forwarder>(reactor, std::move(options)));
    }
}

Pipeline::~Pipeline() {
    stop();
}

void Pipeline::stop() {
    stopping_ = true;  // a reply may let a connection ask its next question
    count_forwards();
    if (routing_.limit_log != nullptr) {
        routing_.limit_log->tick(limited_, now_);
    }
    forwarders_.clear();
}

void Pipeline::begin_batch(Clock::time_point now) {
    now_ = now;
    meter_.begin_batch(now);
    for (auto& snapshot : snapshots_) {
        snapshot.refresh();
    }
    for (auto& hosts : hosts_) {
        hosts.refresh();
    }
}

void Pipeline::tick(Clock::time_point now) {
    begin_batch(now);
    for (const auto& forwarder : forwarders_) {
        forwarder->tick();
    }
    serve_overdue();
    count_forwards();
    if (top_ != nullptr) {
        top_->tick(now);
    }
    for (const auto& errors : routing_.error_logs) {
        errors->tick(now);
    }
    if (routing_.limit_log != nullptr) {
        routing_.limit_log->tick(limited_, now);
    }
    end_batch();
}

void Pipeline::end_batch() {
    for (const auto& forwarder : forwarders_) {
        forwarder->flush();
    }
    meter_.end_batch();
    log_.flush();
}

bool Pipeline::process_upstream(int fd, bool readable, bool writable) {
    return std::any_of(forwarders_.begin(), forwarders_.end(), [&](const auto& forwarder) {
        return forwarder->process(fd, readable, writable);
    });
}

const ServedZone* Pipeline::zone_for(const Route& route, const zones::LoweredName& name,
                                     std::uint16_t qtype) const {
    // DS is a question to the parent of a zone (RFC 4035 §3.1.4.1).
    const auto match =
        qtype == zones::qtype::kDs ? route.zones.find_parent_side(name) : route.zones.find(name);
    return match ? &routing_.served[match->value] : nullptr;
}

/// False if the query is for nobody. Where it is counted is known either way.
bool Pipeline::find_block(Asking& asking, const ServedZone* served) const {
    asking.counted = meter_.cells(asking.route.no_zone);
    asking.served = served;
    if (asking.served == nullptr || routing_.blocks[asking.served->block].config->empty) {
        return false;
    }
    asking.block = &routing_.blocks[asking.served->block];
    asking.counted = meter_.cells(asking.served->series);
    return true;
}

Handled Pipeline::handle(std::span<const std::uint8_t> message, const Client& client,
                         const Route& route, std::span<std::uint8_t> out) {
    read(message, route, received_);
    return answer(received_, client, route, out);
}

Handled Pipeline::handle_expected(std::size_t i, const Client& client, const Route& route,
                                  std::span<std::uint8_t> out) {
    return answer(expected_[i], client, route, out);
}

void Pipeline::read(std::span<const std::uint8_t> message, const Route& route, Received& received) {
    const zones::Query& query = received.query;
    received.verdict = zones::parse_query(message, received.query);
    received.served = query.has_question ? zone_for(route, query.name, query.qtype) : nullptr;
    received.foreseen = {};
    received.cache = nullptr;
}

void Pipeline::expect(std::span<const zones::Octets> messages, const Route& route) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
        read(messages[i], route, expected_[i]);
        foresee(expected_[i]);
    }
    for (int step = 1; step <= zones::Foreseen::kSteps; ++step) {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            Received& received = expected_[i];
            received.foreseen.step(step);
            if (step == 1 && received.cache != nullptr) {
                received.cache->store().prefetch_index(received.cache_hash);
            }
        }
    }
}

/// Begins to look up what most questions need. What it is wrong about is looked up later.
void Pipeline::foresee(Received& received) {
    if (received.verdict != Verdict::Ask || received.served == nullptr) {
        return;
    }
    const Block& block = routing_.blocks[received.served->block];
    const zones::LoweredName& qname = received.query.name;
    if (block.cluster != nullptr) {
        block.cluster->zone().foresee(qname, snapshots_[block.cluster_index].current(),
                                      received.foreseen);
    }
    if (block.cache != nullptr && !received.foreseen.zone) {
        received.cache = block.cache;
        received.cache_hash = block.cache->store().hash_of(question_of(received.query, qname));
        received.cache->store().prefetch_shard(received.cache_hash);
    }
}

Handled Pipeline::answer(const Received& received, const Client& client, const Route& route,
                         std::span<std::uint8_t> out) {
    meter_.worker().messages.add();
    if (received.verdict == Verdict::Drop) {
        meter_.worker().dropped[static_cast<std::size_t>(DropReason::Malformed)].add();
        return {};
    }
    const zones::Query& query = received.query;
    Asking asking{query, client, route, zones::MessageWriter(out)};
    asking.received = &received;
    asking.started = now_;
    asking.served = received.served;
    asking.writer.begin(query, size_limit(query, client, nullptr));
    if (received.verdict != Verdict::Ask) {
        if (received.verdict == Verdict::Refused) {
            find_block(asking, received.served);
            asking.block = nullptr;  // it is asked nothing
        }
        const std::size_t refusal = refuse(asking, received.verdict);
        if (top_ != nullptr && top_->samples_refusal()) {
            const unsigned rcode = out[3] & zones::header::kRcodeMask;  // BADVERS is longer
            top_->refused(
                query, client,
                received.verdict == Verdict::BadVers ? Rcode::BadVers : static_cast<Rcode>(rcode));
        }
        return {refusal};
    }
    if (query.qtype == resolver::kTypeHinfo && routing_.loops != nullptr &&
        routing_.loops->saw(query.name, now_)) {
        return {finish(asking, Rcode::Refused, 0)};
    }
    if (!find_block(asking, received.served)) {
        tell(asking, zones::extended_error::kNotAuthoritative, "no server block is for this name");
        const std::size_t refusal = finish(asking, Rcode::Refused, 0);
        if (top_ != nullptr) {
            count_top(asking, Rcode::Refused);
        }
        return {refusal};
    }
    if (asking.block->config->shape) {
        begin_shaped(asking);
    }
    const std::size_t size =
        asking.block->limits && is_over_limit(asking) ? asking.size : resolve(asking);
    if (top_ != nullptr && size > 0) {
        count_reply_to(*top_, received, out.data(), client);
    }
    return {size, asking.waits};
}

/// Before anything is written.
void Pipeline::begin_shaped(Asking& asking) {
    asking.writer.begin(asking.query, size_limit(asking.query, asking.client, asking.block));
    if (asking.query.wants_server_id) {
        asking.writer.set_server_id(asking.block->config->shape->server_id);
    }
}

/// What is no question to be answered, by RFC 6891 §6.1.1 with an OPT record where it had one.
std::size_t Pipeline::refuse(Asking& asking, Verdict verdict) {
    const auto count = [this](MalformedReason reason) {
        meter_.worker().malformed[static_cast<std::size_t>(reason)].add();
    };
    switch (verdict) {
        case Verdict::NotImp:
            count(MalformedReason::Opcode);
            return refuse_opcode(asking);
        case Verdict::BadVers:
            count(MalformedReason::EdnsVersion);
            tell_version(asking);
            return finish(asking, Rcode::BadVers, 0);
        case Verdict::NotAuth:
            count(MalformedReason::Signed);
            tell(asking, zones::extended_error::kNotSupported, "signed queries are not served");
            return finish(asking, Rcode::NotAuth, 0);
        case Verdict::Refused:
            tell(asking, zones::extended_error::kNotSupported, "zone transfers are not served");
            return finish(asking, Rcode::Refused, 0);
        default:
            count(MalformedReason::Format);
            if (asking.query.has_edns) [[unlikely]] {
                tell_malformed(asking);
            }
            return finish(asking, Rcode::FormErr, 0);
    }
}

std::size_t Pipeline::finish(Asking& asking, Rcode rcode, std::uint8_t flags2) {
    // nslookup warns about a server that does not recurse; where we forward, we do.
    const bool recursive = asking.block != nullptr && !asking.block->config->forwards.empty();
    const auto flags3 =
        static_cast<std::uint8_t>(asking.flags3 | (recursive ? zones::header::kRa : 0));
    const ReplyShape* shape = asking.unshaped ? nullptr : shape_of(asking.block);
    if (shape != nullptr && shape->minimal && rcode == Rcode::NoError &&
        asking.writer.count(zones::Section::Answer) > 0) {
        asking.writer.keep_answers_only();
    }
    std::size_t size = asking.writer.finish(rcode, flags2, flags3);
    const bool rewritten = asking.reply_rewrite != nullptr;
    if (rewritten) {
        size = write_as_asked(asking, size, rcode, flags2, flags3);
    }
    if (shape != nullptr) {
        shape->set_header(rewritten ? asking.reply_buffer : asking.writer.buffer());
    }
    if (asking.block != nullptr && asking.block->limits) {
        size =
            limit_response(asking, rewritten ? asking.reply_buffer : asking.writer.buffer(), size);
        if (size == 0) {
            return 0;
        }
    }
    if (asking.counted != nullptr) {
        count_reply(asking, (rewritten ? asking.reply_buffer : asking.writer.buffer()).first(size));
    }
    if (asking.block != nullptr && !asking.block->config->logs.empty()) {
        const auto reply = rewritten ? asking.reply_buffer : asking.writer.buffer();
        log_.reply(*asking.block->config, {.query = rewritten ? *asking.original : asking.query,
                                           .client = asking.client,
                                           .listen_address = asking.route.listen.address,
                                           .message = reply.first(size),
                                           .duration = Clock::now() - asking.started});
    }
    return size;
}

void Pipeline::count_reply(const Asking& asking, std::span<const std::uint8_t> reply) {
    const bool rewritten = asking.reply_rewrite != nullptr;
    meter_.replied(*asking.counted,
                   {rewritten ? *asking.original : asking.query, asking.client, asking.started},
                   reply, asking.author);
}

void Pipeline::count_forwards() {
    resolver::ForwardCounters totals;
    for (const auto& forwarder : forwarders_) {
        totals.merged += forwarder->totals().merged;
        totals.failovers += forwarder->totals().failovers;
        totals.all_down += forwarder->totals().all_down;
    }
    if (!forwarders_.empty()) {
        meter_.forwards(stopping_ ? 0 : waiting(), totals);
    }
}

/// The finished reply to a rewritten question becomes one to the question that was asked.
std::size_t Pipeline::write_as_asked(Asking& asking, std::size_t size, Rcode rcode,
                                     std::uint8_t flags2, std::uint8_t flags3) {
    zones::MessageWriter out(asking.reply_buffer);
    out.begin(*asking.original, size_limit(*asking.original, asking.client, asking.block));
    if (asking.original->wants_server_id && shape_of(asking.block) != nullptr) {
        out.set_server_id(shape_of(asking.block)->server_id);
    }
    out.take_extended_error(asking.writer);
    if (!write_rewritten(*asking.reply_rewrite, asking.writer.buffer().first(size), out)) {
        out.clear_records();
        rcode = Rcode::ServFail;
    }
    if (asking.writer.truncated()) {
        out.mark_truncated();
    }
    return out.finish(rcode, flags2, flags3);
}

}  // namespace server

#include "server/pipeline.h"

#include <algorithm>
#include <sys/random.h>

#include "server/pending_query.h"

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

std::size_t size_limit(const zones::Query& query, const Client& client) {
    return client.tcp ? zones::kMaxMessageSize : zones::udp_limit(query);
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
    forwarders_.clear();
}

void Pipeline::begin_batch(Clock::time_point now) {
    now_ = now;
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
    end_batch();
}

void Pipeline::end_batch() {
    for (const auto& forwarder : forwarders_) {
        forwarder->flush();
    }
    log_.flush();
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
    asking.writer.begin(query_, size_limit(query_, client));
    if (verdict != Verdict::Ask) {
        return {refuse(asking, verdict)};
    }
    if (query_.qtype == resolver::kTypeHinfo && routing_.loops != nullptr &&
        routing_.loops->saw(query_.name, now_)) {
        return {finish(asking, Rcode::Refused, 0)};
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

std::size_t Pipeline::finish(Asking& asking, Rcode rcode, std::uint8_t flags2) {
    // nslookup warns about a server that does not recurse; where we forward, we do.
    const bool recursive = asking.block != nullptr && !asking.block->config->forwards.empty();
    const auto flags3 =
        static_cast<std::uint8_t>(asking.flags3 | (recursive ? zones::header::kRa : 0));
    std::size_t size = asking.writer.finish(rcode, flags2, flags3);
    const bool rewritten = asking.reply_rewrite != nullptr;
    if (rewritten) {
        size = write_as_asked(asking, size, rcode, flags2, flags3);
    }
    if (asking.block != nullptr && !asking.block->config->logs.empty()) {
        const auto reply = rewritten ? asking.reply_buffer : asking.writer.buffer();
        log_.reply(*asking.block->config, rewritten ? *asking.original : asking.query,
                   asking.client, {reply.data(), size}, Clock::now() - asking.started);
    }
    return size;
}

/// The finished reply to a rewritten question becomes one to the question that was asked.
std::size_t Pipeline::write_as_asked(Asking& asking, std::size_t size, Rcode rcode,
                                     std::uint8_t flags2, std::uint8_t flags3) {
    zones::MessageWriter out(asking.reply_buffer);
    out.begin(*asking.original, size_limit(*asking.original, asking.client));
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

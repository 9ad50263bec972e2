#include "server/cold_pipeline.h"

#include <algorithm>
#include <poll.h>

#include "server/forward_text.h"

namespace server {
namespace {

constexpr auto kPatience = std::chrono::seconds(6);  // forwards end within 5 s
constexpr auto kUpstreamTick = std::chrono::milliseconds(100);
constexpr int kWaitMs = 20;

/// What decides on answers; every block counts, so that one can tell who answered.
Config without_limits(Config config) {
    config.status.reset();  // whose top lists are the clients', and each worker's own
    for (ServerBlock& block : config.blocks) {
        block.errors.reset();
        block.logs.clear();
        block.rate_limit.reset();
        block.response_limit.reset();
        block.loop = false;
        block.prometheus = PrometheusConfig{};
    }
    return config;
}

/// RD, one question, EDNS.
std::vector<std::uint8_t> make_query(const zones::Name& qname, std::uint16_t qtype) {
    constexpr std::size_t kTypeAndClass = 4;
    std::vector<std::uint8_t> query(
        zones::kHeaderSize + qname.size() + kTypeAndClass + zones::kOptSize, 0);
    std::uint8_t* at = query.data();
    at[2] = zones::header::kRd;
    zones::write_u16(at + 4, 1);   // QDCOUNT
    zones::write_u16(at + 10, 1);  // ARCOUNT
    at = std::ranges::copy(qname.wire(), at + zones::kHeaderSize).out;
    zones::write_u16(at, qtype);
    zones::write_u16(at + 2, zones::kClassIn);
    at += kTypeAndClass + 1;  // OPT (RFC 6891 §6.1.2): of the root
    zones::write_u16(at, zones::qtype::kOpt);
    zones::write_u16(at + 2, zones::kUdpSize);
    return query;
}

Client client_at(const zones::Address& address, bool tcp) {
    Client client{};
    client.tcp = tcp;
    if (const auto* v4 = std::get_if<zones::Ipv4>(&address)) {
        client.peer.v4.sin_family = AF_INET;
        std::ranges::copy(v4->octets, reinterpret_cast<std::uint8_t*>(&client.peer.v4.sin_addr));
        client.peer_size = sizeof client.peer.v4;
    } else {
        client.peer.v6.sin6_family = AF_INET6;
        std::ranges::copy(std::get<zones::Ipv6>(address).octets,
                          reinterpret_cast<std::uint8_t*>(&client.peer.v6.sin6_addr));
        client.peer_size = sizeof client.peer.v6;
    }
    return client;
}

}  // namespace

ColdPipeline::ColdPipeline(const Config& config, const Routing& running)
    : config_(without_limits(config)),
      routing_(make_routing(config_, running.listening, {}, {.metrics = &metrics_}, &running)),
      pipeline_(std::make_unique<Pipeline>(routing_, static_cast<resolver::Reactor&>(*this),
                                           static_cast<ReplySender&>(*this))) {}

ColdPipeline::~ColdPipeline() {
    pipeline_.reset();
}

const Block* ColdPipeline::block_for(const zones::Name& qname, std::uint16_t qtype,
                                     const Route& route) const {
    zones::LoweredName name;
    name.assign(qname.wire());
    const auto match =
        qtype == zones::qtype::kDs ? route.zones.find_parent_side(name) : route.zones.find(name);
    if (!match) {
        return nullptr;
    }
    const Block& block = routing_.blocks[routing_.served[match->value].block];
    return block.config->empty ? nullptr : &block;
}

/// Replies by who wrote them.
std::vector<std::uint64_t> ColdPipeline::counts() const {
    std::vector<std::uint64_t> counts(kAuthors, 0);
    std::vector<const ZoneSeries*> seen;
    for (const ServedZone& served : routing_.served) {
        if (served.series == nullptr || std::ranges::find(seen, served.series) != seen.end()) {
            continue;
        }
        seen.push_back(served.series);
        for (std::size_t author = 0; author < kAuthors; ++author) {
            for (const Count& count : served.series->cells.begin()->responses[author]) {
                counts[author] += count.get();
            }
        }
    }
    return counts;
}

ColdPipeline::Answer ColdPipeline::ask(const zones::Name& qname, std::uint16_t qtype,
                                       const Route& route, const zones::Address& from) {
    const auto query = make_query(qname, qtype);
    Answer answer;
    const auto before = counts();
    answer.message = ask_once(query, route, from, false);
    if (answer.message.size() >= zones::kHeaderSize &&
        (answer.message[2] & zones::header::kTc) != 0) {
        answer.message = ask_once(query, route, from, true);
    }
    answer.upstream = upstream_;
    const auto after = counts();
    for (std::size_t author = 0; author < kAuthors; ++author) {
        if (after[author] != before[author]) {
            answer.author = static_cast<Author>(author);
        }
    }
    return answer;
}

std::vector<std::uint8_t> ColdPipeline::ask_once(std::span<const std::uint8_t> query,
                                                 const Route& route, const zones::Address& from,
                                                 bool tcp) {
    std::vector<std::uint8_t> reply(tcp ? zones::kMaxMessageSize : routing_.udp_reply_size);
    late_.reset();
    upstream_.clear();
    const Route* own = routing_.find_route(route.listen);
    const Handled handled = pipeline_->handle(query, client_at(from, tcp), *own, reply);
    if (handled.waits) {
        wait_for_upstream();
        pipeline_->end_batch();
        return late_.value_or(std::vector<std::uint8_t>{});
    }
    pipeline_->end_batch();
    reply.resize(handled.size);
    return reply;
}

/// An event loop in small.
void ColdPipeline::wait_for_upstream() {
    const auto deadline = Pipeline::Clock::now() + kPatience;
    auto next_tick = Pipeline::Clock::now() + kUpstreamTick;
    while (!late_ && Pipeline::Clock::now() < deadline) {
        pipeline_->end_batch();
        std::vector<pollfd> polled;
        for (const auto& [fd, events] : watched_) {
            polled.push_back({fd, events, 0});
        }
        ::poll(polled.data(), polled.size(), kWaitMs);
        for (const pollfd& ready : polled) {
            if (ready.revents != 0 && watched_.contains(ready.fd)) {
                pipeline_->process_upstream(ready.fd, (ready.revents & ~POLLOUT) != 0,
                                            (ready.revents & POLLOUT) != 0);
            }
        }
        if (Pipeline::Clock::now() >= next_tick) {
            pipeline_->tick(Pipeline::Clock::now());
            next_tick += kUpstreamTick;
        }
    }
}

void ColdPipeline::watch(int fd, bool readable, bool writable) {
    if (readable || writable) {
        watched_[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    } else {
        watched_.erase(fd);
    }
}

void ColdPipeline::send(const Client& /*client*/, const std::uint8_t* reply, std::size_t size) {
    late_ = std::vector<std::uint8_t>(reply, reply + size);
    const auto* const upstream = pipeline_->answered_by();
    upstream_ = upstream == nullptr ? "" : upstream_text(*upstream);
}

}  // namespace server

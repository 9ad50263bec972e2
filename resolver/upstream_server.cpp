#include "resolver/upstream_server.h"

#include <algorithm>

namespace resolver {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kTcpChannels = 2;
constexpr milliseconds kLongestTimeout{5000};  // nobody waits longer

ChannelSettings over(Transport transport, ChannelSettings settings) {
    settings.transport = transport;
    return settings;
}

milliseconds oldest(const ForwardOptions& options) {
    return options.max_age.count() > 0 ? options.max_age : milliseconds::max();
}

std::shared_ptr<LoopProbe> probe_of(const ForwardOptions& options, const Upstream& upstream) {
    return options.loops != nullptr ? options.loops->watch(upstream, options.loop_zone) : nullptr;
}

UpstreamCounters difference(const UpstreamCounters& now, const UpstreamCounters& before) {
    return {.queries = now.queries - before.queries,
            .failures = now.failures - before.failures,
            .probes_failed = now.probes_failed - before.probes_failed,
            .strays = now.strays - before.strays,
            .abandoned = now.abandoned - before.abandoned,
            .udp_kept = now.udp_kept - before.udp_kept,
            .udp_opened = now.udp_opened - before.udp_opened,
            .tcp_kept = now.tcp_kept - before.tcp_kept,
            .tcp_opened = now.tcp_opened - before.tcp_opened};
}

}  // namespace

std::unique_ptr<UpstreamServer> UpstreamServer::make(SocketTable& sockets, FinishedQueue& finished,
                                                     const ForwardOptions& options,
                                                     const Upstream& upstream,
                                                     std::size_t udp_channels) {
    const auto server = parse_server(upstream);
    if (!server)
        return nullptr;
    ChannelSettings settings{.server = *server, .source = std::nullopt};
    settings.timeout = std::clamp(options.read_timeout, milliseconds{1}, kLongestTimeout);
    if (!options.source_address.empty()) {
        settings.source = parse_server({options.source_address, 0});
        if (!settings.source)
            return nullptr;
    }
    return std::unique_ptr<UpstreamServer>(
        new UpstreamServer(sockets, finished, options, upstream, settings, udp_channels));
}

UpstreamServer::UpstreamServer(SocketTable& sockets, FinishedQueue& finished,
                               const ForwardOptions& options, const Upstream& upstream,
                               const ChannelSettings& settings, std::size_t udp_channels)
    : upstream_(upstream),
      options_(options),
      meter_(options.meter_of ? options.meter_of(upstream) : nullptr),
      udp_(sockets, finished, counters_, over(Transport::Udp, settings), udp_channels,
           oldest(options)),
      udp_plain_(sockets, finished, counters_, over(Transport::UdpPlain, settings), 2,
                 oldest(options)),
      tcp_(sockets, finished, counters_, over(Transport::Tcp, settings), kTcpChannels,
           oldest(options)),
      health_(sockets, counters_, options.health,
              over(options.force_tcp ? Transport::Tcp : Transport::UdpPlain, settings)),
      loop_(sockets, counters_, options.loops, probe_of(options, upstream),
            over(options.force_tcp ? Transport::Tcp : Transport::UdpPlain, settings)) {}

UpstreamServer::~UpstreamServer() {
    report();
    if (meter_ != nullptr && was_down_)
        meter_->found_down(false);
}

Channel* UpstreamServer::pick(bool tcp, bool edns, RandomBits& random, Clock::time_point now) {
    auto& udp = edns ? udp_ : udp_plain_;
    return (tcp ? tcp_ : udp).pick(random, now);
}

void UpstreamServer::tick(RandomBits& random, Clock::time_point now) {
    udp_.tick(now);
    udp_plain_.tick(now);
    tcp_.tick(now);
    health_.tick(random, now);
    loop_.tick(random, now);
    tell();
    report();
}

void UpstreamServer::handle_probes() {
    health_.handle_finished();
    loop_.handle_finished();
    tell();
}

void UpstreamServer::tell() {
    if (health_.down() == was_down_)
        return;
    was_down_ = health_.down();
    if (options_.told_down)
        options_.told_down(upstream_, was_down_);
    if (meter_ != nullptr)
        meter_->found_down(was_down_);
}

void UpstreamServer::report() {
    if (meter_ == nullptr || counters_ == reported_)
        return;
    meter_->add(difference(counters_, reported_));
    reported_ = counters_;
}

bool UpstreamServer::idle() const {
    return udp_.idle() && udp_plain_.idle() && tcp_.idle();
}

}  // namespace resolver

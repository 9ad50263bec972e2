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
}

bool UpstreamServer::idle() const {
    return udp_.idle() && udp_plain_.idle() && tcp_.idle();
}

}  // namespace resolver

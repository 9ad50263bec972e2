#include "tests/bench/kubeadm_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdexcept>
#include <string>

#include "tests/bench/large_cluster.h"
#include "tests/support/wire_message.h"

namespace bench {
namespace {

using support::WireMessage;

constexpr zones::HashKey kKey{0x0123456789abcdefU, 0xfedcba9876543210U};
constexpr auto kCachedFor = std::chrono::seconds(7);  // so that TTLs have to be made less

/// kubeadm's (cmd/kubeadm/app/phases/addons/dns/manifests.go in kubernetes/kubernetes), with an
/// upstream instead of /etc/resolv.conf, whose content is the machine's.
constexpr std::string_view kCorefile = R"(.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . 192.0.2.53 {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
)";

server::Config config_of(const std::string& plugin) {
    server::LoadOptions options;
    options.text = std::string(kCorefile) + "    " + plugin + "\n" + "}\n";
    options.file = "Corefile";
    server::Config config = server::load_config(options);
    config.blocks.front().keys.front().listens = {{"192.0.2.10", 53}};
    return config;
}

server::Client client() {
    server::Client made{};
    made.peer.v4.sin_family = AF_INET;
    made.peer.v4.sin_port = htons(40'000);
    made.peer.v4.sin_addr.s_addr = htonl(0x0a80'0007);
    made.peer_size = sizeof made.peer.v4;
    return made;
}

}  // namespace

KubeadmServer::KubeadmServer(const std::string& plugin, const KubeadmServer* other)
    : now_(other == nullptr ? server::Pipeline::Clock::now() : other->now_),
      config_(config_of(plugin)),
      nowhere_(open("/dev/null", O_WRONLY | O_CLOEXEC)),
      client_(client()) {
    if (plugin == "log") {
        log_.emplace(server::LogStyle::Text, nowhere_.get());
    }
    routing_ = server::make_routing(config_, {}, kKey,
                                    {.metrics = &metrics_, .log = log_ ? &*log_ : nullptr},
                                    other == nullptr ? nullptr : &other->routing_);
    if (other == nullptr) {
        cluster().apply(large_cluster());
        cluster().synced();
        fill_cache();
    }
    pipeline_ = std::make_unique<server::Pipeline>(routing_, static_cast<resolver::Reactor&>(*this),
                                                   static_cast<server::ReplySender&>(*this));
}

void KubeadmServer::answer_together(std::span<const Octets> queries) {
    constexpr std::size_t kAhead = server::Pipeline::kAhead;
    const server::Route& route = routing_.routes.front();
    std::array<zones::Octets, kAhead> messages;
    for (std::size_t first = 0; first < queries.size(); first += kAhead) {
        const std::size_t run = std::min(queries.size() - first, kAhead);
        std::copy_n(queries.begin() + static_cast<std::ptrdiff_t>(first), run, messages.begin());
        pipeline_->expect(std::span(messages).first(run), route);
        for (std::size_t i = 0; i < run; ++i) {
            pipeline_->handle_expected(i, client_, route, replies_->of_batch[first + i]);
        }
    }
}

/// With an address for each external name that is asked.
void KubeadmServer::fill_cache() {
    std::vector<std::uint8_t> buffer(resolver::AnswerCache::kMaxMessage);
    for (unsigned k = 0; k < kSamples; ++k) {
        const std::string name = external_name(k);
        WireMessage reply(0x8180);
        reply.question(name, zones::qtype::kA);
        reply.pointer(zones::kHeaderSize)
            .rest_of_record(WireMessage::kAnswer, zones::qtype::kA, 300, "\xc6\x33\x64\x06");
        zones::LoweredName qname;
        const zones::Name wire = zones::Name::parse(name).value();
        qname.assign(wire.wire());
        const auto parsed = zones::parse_upstream_reply(reply.octets());
        if (!routing_.caches.front()->take(
                {.qname = qname.wire(), .qtype = zones::qtype::kA, .qclass = zones::kClassIn},
                qname, parsed.value(), {}, now_ - kCachedFor, buffer)) {
            throw std::logic_error("the cache did not take " + name);
        }
    }
}

}  // namespace bench

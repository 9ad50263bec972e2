// A server with kubeadm's Corefile, metrics on, and a large cluster, in the caller's thread.
// Knows what a worker does around a query, short of sockets; asks no upstream: what is forwarded
// is in the cache from the start. Its hash key is fixed, so that its tables are always the same.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/log_sink.h"
#include "server/pipeline.h"
#include "server/sockets.h"

namespace bench {

using Octets = std::vector<std::uint8_t>;

class KubeadmServer : private resolver::Reactor, private server::ReplySender {
  public:
    KubeadmServer() : KubeadmServer("", nullptr) {}
    /// With `log` or `status` as well; the cluster and the cache are shared.
    static std::unique_ptr<KubeadmServer> with(const std::string& plugin,
                                               const KubeadmServer& other) {
        return std::unique_ptr<KubeadmServer>(new KubeadmServer(plugin, &other));
    }
    KubeadmServer(const KubeadmServer&) = delete;
    KubeadmServer& operator=(const KubeadmServer&) = delete;

    static constexpr std::size_t kBatch = 64;

    /// Each stands for a batch that has just arrived, at the same moment.
    void begin_batch() { pipeline_->begin_batch(now_); }
    void end_batch() { pipeline_->end_batch(); }
    /// The `i`-th of a batch; the reply stays until the next batch.
    std::span<const std::uint8_t> answer(const Octets& query, std::size_t i) {
        const std::span<std::uint8_t> out = replies_->of_batch[i];
        return out.first(pipeline_->handle(query, client_, routing_.routes.front(), out).size);
    }

    /// Several of a batch, as they come over UDP: each is looked ahead for.
    void answer_together(std::span<const Octets> queries);

    server::Cluster& cluster() { return *routing_.clusters.front(); }

  private:
    KubeadmServer(const std::string& plugin, const KubeadmServer* other);
    void fill_cache();

    /// Aligned, since the cost of a copy depends on where it goes.
    struct alignas(64) Replies {
        std::array<std::array<std::uint8_t, zones::kUdpSize>, kBatch> of_batch;
    };

    void watch(int, bool, bool) override {}
    void send(const server::Client&, const std::uint8_t*, std::size_t) override {}

    server::Pipeline::Clock::time_point now_;
    server::Config config_;
    server::Metrics metrics_{1};
    server::Fd nowhere_;
    std::optional<server::LogSink> log_;
    server::Routing routing_;
    server::Client client_{};
    std::unique_ptr<Replies> replies_ = std::make_unique<Replies>();
    std::unique_ptr<server::Pipeline> pipeline_;
};

}  // namespace bench

// Asks what the server would answer, without being a client of it: for who explains answers.
// Owns a pipeline of its own with the configuration, clusters and caches of the running one, so
// that no answer of it can be another; it counts, logs and limits nothing. Waits for upstreams:
// never on a worker. One thread at a time. The running routing must outlive it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "resolver/forward.h"
#include "server/client.h"
#include "server/config.h"
#include "server/metrics.h"
#include "server/pipeline.h"
#include "server/routing.h"

namespace server {

class ColdPipeline : private resolver::Reactor, private ReplySender {
  public:
    /// Throws ConfigError where a hosts file or pattern can't be read any more.
    ColdPipeline(const Config& config, const Routing& running);
    ~ColdPipeline() override;

    struct Answer {
        std::vector<std::uint8_t> message;  // empty: no reply comes (`acl drop`)
        Author author = Author::Server;
        std::string upstream;  // who was asked and replied, as `192.0.2.53:53`; empty: nobody
    };
    /// As over UDP, and over TCP where that is truncated. Waits for upstreams, 6 s at most.
    Answer ask(const zones::Name& qname, std::uint16_t qtype, const Route& route,
               const zones::Address& from);

    const Routing& routing() const { return routing_; }
    /// Who would be asked for that name on that route; null: nobody.
    const Block* block_for(const zones::Name& qname, std::uint16_t qtype, const Route& route) const;
    /// Takes newer snapshots.
    void refresh() { pipeline_->begin_batch(Pipeline::Clock::now()); }

  private:
    void watch(int fd, bool readable, bool writable) override;
    void send(const Client& client, const std::uint8_t* reply, std::size_t size) override;
    std::vector<std::uint8_t> ask_once(std::span<const std::uint8_t> query, const Route& route,
                                       const zones::Address& from, bool tcp);
    void wait_for_upstream();
    std::vector<std::uint64_t> counts() const;

    Metrics metrics_{1};  // who wrote a reply is known by what it counts
    Config config_;
    Routing routing_;
    std::map<int, short> watched_;
    std::optional<std::vector<std::uint8_t>> late_;
    std::string upstream_;                // whose reply that is
    std::unique_ptr<Pipeline> pipeline_;  // last: it watches and sends until it goes
};

}  // namespace server

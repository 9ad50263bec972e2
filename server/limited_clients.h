// Which clients were limited, by what and how often: of one worker, until the log takes it over.
// Knows networks and counts; knows nothing of why. Holds 32 of them, and of all others the sum:
// forged addresses cost neither memory nor lines. On the worker's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "server/limit.h"
#include "server/net_set.h"

namespace server {

struct LimitedClient {
    Net net{};
    Limit limit = Limit::Queries;
    double allowed = 0;  // a second; of `Waiting`: places
    std::array<std::uint64_t, kLimitActions> times{};

    bool is_same(const LimitedClient& other) const {
        return net == other.net && limit == other.limit && allowed == other.allowed;
    }
    std::uint64_t all_times() const;
};

class LimitedClients {
  public:
    static constexpr std::size_t kMost = 32;

    void add(const Net& net, Limit limit, double allowed, LimitAction action);

    bool empty() const { return clients_.empty() && others_ == 0; }
    std::span<const LimitedClient> clients() const { return clients_; }
    /// Queries of all others.
    std::uint64_t others() const { return others_; }
    void clear();

  private:
    LimitedClient* find(const LimitedClient& wanted);

    std::vector<LimitedClient> clients_;  // keeps its memory
    std::uint64_t others_ = 0;
};

}  // namespace server

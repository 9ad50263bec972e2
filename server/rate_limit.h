// How much of a server block each client may have: the `ratelimit` line.
// Knows clients and budgets; knows no messages. A client is an IPv4 address, or an IPv6 prefix of
// 64 bits. What comes over UDP may be forged, so it takes nothing from what the same address has
// over TCP. Made at load; all workers share it, without a lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "server/client.h"
#include "server/client_shares.h"
#include "server/net_set.h"
#include "server/rate_table.h"
#include "zones/hash.h"

namespace server {

struct Budget {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 0;
};

struct RateLimitConfig {
    /// What a client gets that is over its budget. Over TCP `Truncate` is `Refuse`.
    enum class Over : std::uint8_t { Truncate, Refuse, Drop };

    Budget queries;
    std::optional<Budget> forwards;  // of those, what goes to upstreams
    std::vector<Net> exempt;
    std::size_t clients = 65'536;  // that can be told apart at once
    Over over = Over::Truncate;
};

class RateLimit {
  public:
    using Clock = RateTable::Clock;

    RateLimit(const RateLimitConfig& config, zones::HashKey key);

    enum class Verdict : std::uint8_t {
        Pass,
        Tell,  // over the budget, and it is to know
        Drop,  // the same, and it has been told often enough
    };
    struct Decision {
        Verdict verdict = Verdict::Pass;
        bool evicted = false;  // another client was forgotten that had not its whole budget
    };
    /// One more query of that client; any thread. `random` decides who is told all the same.
    Decision query(const Client& client, Clock::time_point now, std::uint32_t random);
    /// One more query that has to go to an upstream.
    Decision forward(const Client& client, Clock::time_point now, std::uint32_t random);

    bool limits_forwards() const { return config_.forwards.has_value(); }
    const RateLimitConfig& config() const { return config_; }

  private:
    enum class Account : std::uint8_t { Queries, Forwards, Told };

    bool is_exempt(const Client& client) const;
    Decision decide(const Client& client, Account account, const Rate& rate, Clock::time_point now,
                    std::uint32_t random);
    RateTable::Taken take(ClientShares::Key client, Account account, bool tcp, const Rate& rate,
                          Clock::time_point now);

    const RateLimitConfig config_;
    const zones::HashKey key_;
    const NetSet exempt_;
    const Rate queries_, forwards_;
    RateTable table_;
};

}  // namespace server

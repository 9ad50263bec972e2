// How often who is said to ask may have the same reply over UDP: the `rrl` line of a server block.
// Knows replies as octets and the networks that they go to; knows nothing of who wrote them. Made
// at load; all workers share it, without a lock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "server/client.h"
#include "server/net_set.h"
#include "server/rate_table.h"
#include "zones/hash.h"
#include "zones/query.h"
#include "zones/zone_table.h"

namespace server {

/// As coredns/rrl tells them apart.
enum class ReplyKind : std::uint8_t { Answer, NoData, NxDomain, Referral, Error };
inline constexpr std::size_t kReplyKinds = 5;

struct ResponseLimitConfig {
    std::vector<zones::Name> zones;  // of the query's name
    std::chrono::nanoseconds window{15'000'000'000};
    unsigned v4_bits = 24, v6_bits = 56;        // who counts as one client
    std::array<double, kReplyKinds> replies{};  // a second, of each kind; 0: no limit
    double requests = 0;                        // likewise, whatever is asked
    std::uint32_t slip = 0;                     // one of so many is truncated instead; 0: none
    std::size_t accounts = 100'000;             // that can be told apart at once
    bool report_only = false;
};

class ResponseLimit {
  public:
    using Clock = RateTable::Clock;

    ResponseLimit(const ResponseLimitConfig& config, zones::HashKey key);

    enum class Verdict : std::uint8_t { Pass, Slip, Drop, Report };
    struct Decision {
        Verdict verdict = Verdict::Pass;
        bool evicted = false;  // another account was forgotten that was not full
        double allowed = 0;    // a second; where it does not pass
    };
    /// A query has come, over UDP. Any thread.
    Decision request(const zones::Query& query, const Client& client, Clock::time_point now);
    /// That reply to it is about to leave. `random` decides which ones slip through.
    Decision response(const zones::Query& query, std::span<const std::uint8_t> reply,
                      const Client& client, Clock::time_point now, std::uint32_t random);

    bool limits_requests() const { return requests_.has_value(); }
    /// The network whose addresses are one client.
    Net net_of(const Client& client) const;

  private:
    Decision decide(RateTable::Taken taken, double allowed, std::uint32_t random) const;
    bool covers(const zones::LoweredName& qname) const;

    const ResponseLimitConfig config_;
    const zones::HashKey key_;
    zones::ZoneTable zones_;
    std::array<std::optional<Rate>, kReplyKinds> replies_;
    std::optional<Rate> requests_;
    RateTable table_;
};

/// What a reply, a whole message, is to them.
ReplyKind kind_of(std::span<const std::uint8_t> reply);

}  // namespace server

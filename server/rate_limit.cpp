#include "server/rate_limit.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace server {
namespace {

/// A client has a few buckets: of queries, of forwards, of what it was told; over UDP, over TCP.
constexpr std::size_t kBucketsOfAClient = 2;
constexpr std::uint32_t kToldAnyway = 8;  // one of so many

Rate rate_of(const Budget& budget) {
    return {static_cast<double>(budget.per_second), static_cast<double>(budget.burst)};
}

}  // namespace

RateLimit::RateLimit(const RateLimitConfig& config, zones::HashKey key)
    : config_(config),
      key_(key),
      exempt_(config.exempt),
      queries_(rate_of(config.queries)),
      forwards_(rate_of(config.forwards.value_or(config.queries))),
      table_(config.clients * kBucketsOfAClient, std::max(queries_.most, forwards_.most)) {}

bool RateLimit::is_exempt(const Client& client) const {
    if (exempt_.empty()) {
        return false;
    }
    const auto address = address_of(client.peer);
    return address && exempt_.contains(*address);
}

RateLimit::Decision RateLimit::query(const Client& client, Clock::time_point now,
                                     std::uint32_t random) {
    return decide(client, Account::Queries, queries_, now, random);
}

RateLimit::Decision RateLimit::forward(const Client& client, Clock::time_point now,
                                       std::uint32_t random) {
    return decide(client, Account::Forwards, forwards_, now, random);
}

/// Who floods is not told for each query: to say no costs nearly as much as to answer. It is told
/// as often as it may ask, and now and then beyond that: who shares an address with a forger of it
/// is to hear that it should come over TCP. A connection takes no more than it reads.
RateLimit::Decision RateLimit::decide(const Client& client, Account account, const Rate& rate,
                                      Clock::time_point now, std::uint32_t random) {
    if (is_exempt(client)) {
        return {};
    }
    const auto key = ClientShares::key_of(client.peer);
    const auto taken = take(key, account, client.tcp, rate, now);
    if (taken.allowed) {
        return {Verdict::Pass, taken.evicted};
    }
    if (config_.over == RateLimitConfig::Over::Drop) {
        return {Verdict::Drop, taken.evicted};
    }
    const bool told = client.tcp || random % kToldAnyway == 0 ||
                      take(key, Account::Told, false, queries_, now).allowed;
    return {told ? Verdict::Tell : Verdict::Drop, taken.evicted};
}

RateTable::Taken RateLimit::take(ClientShares::Key client, Account account, bool tcp,
                                 const Rate& rate, Clock::time_point now) {
    std::array<char, sizeof client + 2> octets;
    std::memcpy(octets.data(), &client, sizeof client);
    octets[sizeof client] = static_cast<char>(account);
    octets[sizeof client + 1] = static_cast<char>(tcp);
    return table_.take(zones::keyed_hash(key_, {octets.data(), octets.size()}), rate, now);
}

}  // namespace server

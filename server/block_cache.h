// The `cache` of one server block: which names it is for, and what becomes of upstreams' replies.
// Knows the block's configuration and the store; knows no upstreams and no clients. All workers
// share it; but for the store it is immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "resolver/answer_cache.h"
#include "server/config.h"
#include "zones/zone_table.h"

namespace server {

class BlockCache {
  public:
    using Clock = resolver::AnswerCache::Clock;

    /// `key` hashes the questions.
    BlockCache(const CacheConfig& config, zones::HashKey key);

    /// False for names outside the zones that `cache` names.
    bool covers(const zones::LoweredName& qname) const;

    struct Kept : resolver::Cacheable {
        std::uint64_t evicted = 0;  // what had to make room
    };
    /// Keeps a reply, if it may be. What it is and the TTLs that it goes to the client with, if it
    /// is one that a cache may keep. `error` is to be said with it. `buffer` is for the kept
    /// message: AnswerCache::kMaxMessage octets.
    std::optional<Kept> take(const resolver::CacheQuestion& question,
                             const zones::LoweredName& qname, const zones::UpstreamReply& reply,
                             const zones::ExtendedError& error, Clock::time_point now,
                             std::span<std::uint8_t> buffer);

    /// Keeps that no upstream could be asked; `error` says why. How many had to make room.
    std::uint64_t take_failure(const resolver::CacheQuestion& question,
                               const zones::LoweredName& qname, const zones::ExtendedError& error,
                               Clock::time_point now);

    /// What the Corefile says of it.
    const std::string& written() const { return written_; }

    resolver::AnswerCache& store() { return store_; }
    const resolver::AnswerCache& store() const { return store_; }

  private:
    std::string written_;
    zones::ZoneTable zones_;  // empty: every name of the block
    zones::ZoneTable no_success_, no_denial_;
    resolver::AnswerCache store_;
};

}  // namespace server

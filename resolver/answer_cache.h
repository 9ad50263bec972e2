// Keeps what upstreams answered, for as long as it may be used again.
// Knows questions, octets and their age, which the caller's clock tells; knows no sockets, no
// server blocks and no policy on names. All workers share one: 256 shards, each under a spin lock
// that is held for the copy of one message. A look-up allocates nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "resolver/cache_table.h"
#include "resolver/cacheable.h"
#include "zones/extended_error.h"
#include "zones/hash.h"

namespace resolver {

/// What makes two questions the same.
struct CacheQuestion {
    zones::NameView qname;  // in lower case
    std::uint16_t qtype = 0;
    std::uint16_t qclass = 0;
    bool dnssec_ok = false;
    bool checking_disabled = false;
    std::optional<std::uint64_t> hash{};  // AnswerCache::hash_of() it, if that is known
};

struct CacheOptions {
    std::int64_t success_capacity = 9984;  // entries; also bounds octets, at 1 KiB an entry
    std::int64_t denial_capacity = 9984;   // failures are among them
    TtlLimits ttls;
    bool keep_ttl = false;  // serve TTLs as they were stored

    std::int64_t prefetch_hits = 0;  // refresh what was asked so often; 0: nothing
    std::chrono::nanoseconds prefetch_gap{std::chrono::minutes(1)};  // longer forgets the hits
    std::uint32_t prefetch_percent = 10;                             // of the lifetime, at its end

    bool serve_stale = false;
    bool verify_stale = false;  // ask first, serve what has expired if that fails
    std::chrono::nanoseconds stale_for{std::chrono::hours(1)};
    std::chrono::nanoseconds verify_timeout{0};  // 0: as long as asking takes
    std::chrono::nanoseconds recheck{0};         // after a failure, don't ask again for that long
    std::uint32_t stale_ttl = 0;                 // seconds
    bool prefer_positive = false;                // what has expired also to a fresh denial
};

/// What a look-up found; the message is in the caller's buffer.
struct Found {
    enum class State : std::uint8_t { Miss, Fresh, Stale };
    State state = State::Miss;
    bool refresh = false;    // ask upstream again: nobody else is told so for some seconds
    bool has_stale = false;  // with Miss: find_stale() would find something
    bool denial = false;     // what was found says that there is no such record, or a failure
    std::size_t size = 0;
    /// What was kept with it; its text is in the caller's buffer, too, behind the message.
    zones::ExtendedError error{};
};

struct CacheCounters {
    std::uint64_t success_hits = 0, denial_hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t success_evictions = 0, denial_evictions = 0;  // what had to make room
    std::uint64_t prefetches = 0;
    std::uint64_t served_stale = 0;
    std::uint64_t success_entries = 0, denial_entries = 0;
};

class AnswerCache {
  public:
    using Clock = std::chrono::steady_clock;

    /// Longer messages are not kept.
    static constexpr std::size_t kMaxMessage = 16384;

    AnswerCache(const CacheOptions& options, zones::HashKey key);
    ~AnswerCache();
    AnswerCache(const AnswerCache&) = delete;
    AnswerCache& operator=(const AnswerCache&) = delete;

    /// What find() will ask for. Before it, several questions may have what their look-ups read
    /// brought from memory, one beside the other: first each its shard, then each its index.
    std::uint64_t hash_of(const CacheQuestion& question) const;
    void prefetch_shard(std::uint64_t hash) const;
    void prefetch_index(std::uint64_t hash) const;

    /// Copies what is kept for the question into `out`, which has room for kMaxMessage, its TTLs as
    /// they are to be served. What has expired is found where stale answers come first, or while a
    /// failure to ask is kept. A shard that is held by another thread for long is a miss.
    Found find(const CacheQuestion& question, Clock::time_point now, std::span<std::uint8_t> out);

    /// What has expired but may be served, after asking has failed.
    Found find_stale(const CacheQuestion& question, Clock::time_point now,
                     std::span<std::uint8_t> out);

    /// Keeps the message that make_cacheable() wrote. A failure is kept beside what was known
    /// before; success and denial replace each other. `error` is what find() is to say with it; a
    /// text is cut where it is longer than kLongestText. Returns how many had to make room.
    std::uint64_t insert(const CacheQuestion& question, const Cacheable& kept,
                         std::span<const std::uint8_t> message, Clock::time_point now,
                         const zones::ExtendedError& error = {});

    /// Keeps that no upstream gave a usable reply (RFC 9520 §2.2), as SERVFAIL.
    std::uint64_t insert_failure(const CacheQuestion& question, const zones::ExtendedError& error,
                                 Clock::time_point now);
    static constexpr std::size_t kLongestText = 255;

    /// Sums of all shards.
    CacheCounters counters() const;

    const CacheOptions& options() const { return options_; }

  private:
    struct Shard;
    struct Picked;

    Shard& shard_of(std::uint64_t hash) const;
    bool may_serve_stale(const CacheEntry* entry, Clock::time_point now) const;
    CacheEntry* stale_entry(Shard& shard, std::uint64_t hash, const CacheQuestion& question,
                            Clock::time_point now) const;
    bool claim_prefetch(CacheEntry& entry, Clock::time_point now) const;
    Picked pick(Shard& shard, std::uint64_t hash, const CacheQuestion& question,
                Clock::time_point now) const;
    Picked pick_fresh(Shard& shard, CacheEntry& entry, Clock::time_point now) const;
    Found dress(const Picked& picked, std::span<std::uint8_t> message) const;

    struct FreeMemory {
        void operator()(CacheTable::Place* places) const { std::free(places); }
    };

    CacheOptions options_;
    zones::HashKey key_;
    std::unique_ptr<CacheTable::Place[], FreeMemory> places_;  // of all tables
    std::unique_ptr<Shard[]> shards_;
};

}  // namespace resolver

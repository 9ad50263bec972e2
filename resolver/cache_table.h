// One shard's entries of one kind: found by hash, bounded in number and octets.
// Knows nothing of what the octets say, nor of TTLs but the moment from which an entry is
// worthless. Evicts by second chance (CLOCK): what was found since the hand last passed stays, so
// that a flood of names that nobody asks for twice pushes out only itself. Not for two threads at
// once.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace resolver {

struct CacheEntry {
    using Clock = std::chrono::steady_clock;

    std::uint64_t hash = 0;
    std::unique_ptr<std::uint8_t[]> octets;  // null: free
    std::uint32_t size = 0;
    std::uint32_t lifetime = 0;  // seconds
    std::uint32_t hits = 0;      // without a gap, for prefetch
    std::uint16_t extended_error = 0;
    bool dnssec_ok = false;
    bool checking_disabled = false;
    bool second_chance = false;
    Clock::time_point stored{};
    Clock::time_point last_hit{};
    Clock::time_point asked_until{};  // somebody asks upstream again, until then

    Clock::time_point expires() const { return stored + std::chrono::seconds(lifetime); }
    std::span<const std::uint8_t> message() const { return {octets.get(), size}; }
};

class CacheTable {
  public:
    void set_bounds(std::size_t entries, std::size_t octets) {
        most_entries_ = entries;
        most_octets_ = octets;
    }

    /// Valid until the next insert() or remove().
    CacheEntry* find(std::uint64_t hash);

    /// Replaces an entry of that hash. Returns how many others had to go; one too long for the
    /// bounds is not taken. `dead`: what was stored and expired before then goes first.
    std::size_t insert(CacheEntry entry, CacheEntry::Clock::time_point dead);

    void remove(std::uint64_t hash);

    std::size_t size() const { return index_.size(); }
    std::size_t octets() const { return octets_; }

  private:
    void evict(CacheEntry::Clock::time_point dead);
    void free_slot(std::uint32_t slot);

    std::vector<CacheEntry> slots_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<std::uint64_t, std::uint32_t> index_;  // by hash, into slots_
    std::size_t hand_ = 0;
    std::size_t octets_ = 0;
    std::size_t most_entries_ = 0;
    std::size_t most_octets_ = 0;
};

}  // namespace resolver

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
    std::uint8_t text_size = 0;  // of that, behind the message
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
    /// A place of the index, by hash: open addressing, linear probing.
    struct Place {
        std::uint32_t tag = 0;   // upper half of the hash
        std::uint32_t slot = 0;  // counted from 1; 0: free
    };
    /// Places for so many entries, at most half of which are ever taken; a power of two.
    static std::size_t places_for(std::size_t entries);

    /// Before anything else. `index` is free, of places_for(entries), and outlives the table.
    void set_bounds(std::size_t entries, std::size_t octets, std::span<Place> index) {
        most_entries_ = entries;
        most_octets_ = octets;
        index_ = index;
    }

    /// Brings near what find() reads first. The one function for any thread at any time.
    void prefetch(std::uint64_t hash) const { __builtin_prefetch(&index_[first_place(hash)]); }

    /// Valid until the next insert() or remove().
    CacheEntry* find(std::uint64_t hash);

    /// Replaces an entry of that hash. Returns how many others had to go; one too long for the
    /// bounds is not taken. `dead`: what was stored and expired before then goes first.
    std::size_t insert(CacheEntry entry, CacheEntry::Clock::time_point dead);

    void remove(std::uint64_t hash);

    std::size_t size() const { return slots_.size() - free_.size(); }
    std::size_t octets() const { return octets_; }

  private:
    std::size_t first_place(std::uint64_t hash) const {
        return static_cast<std::size_t>(hash >> 8) & (index_.size() - 1);  // low bits: the shard
    }
    std::size_t next_place(std::size_t place) const { return (place + 1) & (index_.size() - 1); }
    /// Of that hash, or the free one where it would be.
    std::size_t place_of(std::uint64_t hash) const;
    void free_place(std::size_t place);
    void evict(CacheEntry::Clock::time_point dead);
    void free_slot(std::uint32_t slot);

    std::span<Place> index_;
    std::vector<CacheEntry> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t hand_ = 0;
    std::size_t octets_ = 0;
    std::size_t most_entries_ = 0;
    std::size_t most_octets_ = 0;
};

}  // namespace resolver

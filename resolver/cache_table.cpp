#include "resolver/cache_table.h"

#include <utility>

namespace resolver {
namespace {

/// With the slot, the index's node and what the allocator adds.
std::size_t cost_of(const CacheEntry& entry) {
    constexpr std::size_t kOverhead = sizeof(CacheEntry) + 64;
    return entry.size + kOverhead;
}

}  // namespace

CacheEntry* CacheTable::find(std::uint64_t hash) {
    const auto at = index_.find(hash);
    return at == index_.end() ? nullptr : &slots_[at->second];
}

std::size_t CacheTable::insert(CacheEntry entry, CacheEntry::Clock::time_point dead) {
    const std::size_t cost = cost_of(entry);
    if (cost > most_octets_) {
        return 0;
    }
    remove(entry.hash);
    std::size_t evicted = 0;
    for (; index_.size() >= most_entries_ || octets_ + cost > most_octets_; ++evicted) {
        evict(dead);
    }
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    index_.emplace(entry.hash, slot);
    octets_ += cost;
    slots_[slot] = std::move(entry);
    return evicted;
}

void CacheTable::remove(std::uint64_t hash) {
    if (const auto at = index_.find(hash); at != index_.end()) {
        free_slot(at->second);
    }
}

/// There is an entry: the hand finds one in its second round at the latest.
void CacheTable::evict(CacheEntry::Clock::time_point dead) {
    for (;; ++hand_) {
        hand_ = hand_ < slots_.size() ? hand_ : 0;
        CacheEntry& entry = slots_[hand_];
        if (!entry.octets) {
            continue;
        }
        if (!entry.second_chance || entry.expires() <= dead) {
            free_slot(static_cast<std::uint32_t>(hand_));
            ++hand_;
            return;
        }
        entry.second_chance = false;
    }
}

void CacheTable::free_slot(std::uint32_t slot) {
    CacheEntry& entry = slots_[slot];
    octets_ -= cost_of(entry);
    index_.erase(entry.hash);
    entry = {};
    free_.push_back(slot);
}

}  // namespace resolver

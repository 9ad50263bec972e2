#include "resolver/cache_table.h"

#include <bit>
#include <utility>

namespace resolver {
namespace {

/// With the slot, its places in the index and what the allocator adds.
std::size_t cost_of(const CacheEntry& entry) {
    constexpr std::size_t kOverhead = sizeof(CacheEntry) + 64;
    return entry.size + kOverhead;
}

constexpr std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

std::size_t CacheTable::places_for(std::size_t entries) {
    return std::bit_ceil(2 * entries);
}

std::size_t CacheTable::place_of(std::uint64_t hash) const {
    std::size_t place = first_place(hash);
    while (index_[place].slot != 0 &&
           !(index_[place].tag == tag_of(hash) && slots_[index_[place].slot - 1].hash == hash)) {
        place = next_place(place);
    }
    return place;
}

CacheEntry* CacheTable::find(std::uint64_t hash) {
    const std::uint32_t slot = index_[place_of(hash)].slot;
    return slot == 0 ? nullptr : &slots_[slot - 1];
}

std::size_t CacheTable::insert(CacheEntry entry, CacheEntry::Clock::time_point dead) {
    const std::size_t cost = cost_of(entry);
    if (cost > most_octets_) {
        return 0;
    }
    remove(entry.hash);
    std::size_t evicted = 0;
    for (; size() >= most_entries_ || octets_ + cost > most_octets_; ++evicted) {
        evict(dead);
    }
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    index_[place_of(entry.hash)] = {tag_of(entry.hash), slot + 1};
    octets_ += cost;
    slots_[slot] = std::move(entry);
    return evicted;
}

void CacheTable::remove(std::uint64_t hash) {
    if (const std::uint32_t slot = index_[place_of(hash)].slot; slot != 0) {
        free_slot(slot - 1);
    }
}

/// What was put behind it because it was taken moves up (Knuth, TAOCP 6.4, algorithm R).
void CacheTable::free_place(std::size_t place) {
    index_[place] = {};
    for (std::size_t at = next_place(place); index_[at].slot != 0; at = next_place(at)) {
        const std::size_t home = first_place(slots_[index_[at].slot - 1].hash);
        const std::size_t mask = index_.size() - 1;
        if (((at - home) & mask) >= ((at - place) & mask)) {
            index_[place] = std::exchange(index_[at], {});
            place = at;
        }
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
    free_place(place_of(entry.hash));
    entry = {};
    free_.push_back(slot);
}

}  // namespace resolver

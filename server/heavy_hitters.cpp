#include "server/heavy_hitters.h"

#include <algorithm>
#include <new>

namespace server {
namespace {

/// Tells octets that were changed while they were read.
std::uint64_t check_of(std::string_view octets) {
    std::uint64_t check = octets.size() + 0x9e3779b97f4a7c15U;
    for (std::size_t at = 0; at < octets.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, octets.data() + at, std::min<std::size_t>(8, octets.size() - at));
        check = folded_product(check ^ word, 0xd1342543de82ef95U);
    }
    return check;
}

}  // namespace

HeavyHitters::HeavyHitters(std::size_t places, std::size_t most, std::uint64_t seed)
    : size_(places),
      shift_(shift_of(places)),
      words_(kHeadWords + (most + 7) / 8),
      places_(std::make_unique<Word[]>(2 * places)),
      octets_(static_cast<std::uint64_t*>(std::calloc(places * words_, sizeof(std::uint64_t)))),
      random_(seed | 1U) {
    if (octets_ == nullptr) {
        throw std::bad_alloc();
    }
}

std::size_t HeavyHitters::memory() const {
    return size_ * (2 + words_) * sizeof(std::uint64_t);
}

void HeavyHitters::clear() {
    for (std::size_t i = 0; i < size_; ++i) {
        key_at(i) = 0;
        shown(i, 0).store(0, std::memory_order_relaxed);
        shown_count(i).store(0, std::memory_order_release);
    }
    misses_ = 0;
    until_miss_ = times_ = 1;
}

/// xorshift64*, whose high bits are good.
std::uint64_t HeavyHitters::random() {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return (random_ * 0x2545f4914f6cdd1dU) >> 32;
}

void HeavyHitters::add_missed(std::uint64_t key, std::string_view octets) {
    add(key, octets, times_);
    if (++misses_ < kOneByOne) {
        until_miss_ = 1;
        return;
    }
    times_ = kSampled;
    until_miss_ = 1 + static_cast<std::uint32_t>(random() % (2 * kSampled - 1));
}

void HeavyHitters::add(std::uint64_t key, std::string_view octets, std::uint32_t times) {
    key += key == 0 ? 1 : 0;  // which is a free place's
    const std::size_t set = set_of(key);
    for (std::size_t i = set; i < set + kWays; ++i) {
        if (key_at(i) == key) {
            bump(places_[2 * i + 1], times);
            const std::size_t pair = key >> shift_ & ~std::size_t{1};
            const std::size_t lesser = count_at(pair) < count_at(pair + 1) ? pair : pair + 1;
            if ((i & ~std::size_t{1}) != pair &&
                count_at(i) >= count_at(lesser) * 5 / 4 + kSampled) {
                bring_near(i, lesser, key);
            }
            return;
        }
    }
    // As long as there is room everything is counted.
    for (std::size_t way = 0; way < kWays; ++way) {
        const std::size_t i = set + (((key >> shift_) ^ way) & (kWays - 1));
        if (key_at(i) == 0) {
            put(i, key, times, octets);
            return;
        }
    }
    admit(key, octets, times);
}

void HeavyHitters::admit(std::uint64_t key, std::string_view octets, std::uint32_t times) {
    const std::size_t set = set_of(key);
    std::size_t least = set;
    for (std::size_t i = set + 1; i < set + kWays; ++i) {
        if (count_at(i) < count_at(least)) {
            least = i;
        }
    }
    const std::uint64_t count = count_at(least);
    if (random() % (count + times) < times) {
        put(least, key, count + times, octets);
    }
}

/// Who is looked for in the other pair changes with the lesser of its own, if it comes clearly more
/// often.
void HeavyHitters::bring_near(std::size_t place, std::size_t lesser, std::uint64_t key) {
    std::array<std::uint64_t, kMostWords> one, other;
    const std::uint64_t other_key = key_at(lesser);
    const std::uint64_t one_count = read(place, one), other_count = read(lesser, other);
    key_at(place) = 0;
    shown(place, 0).store(0, std::memory_order_relaxed);
    put(lesser, key, one_count, text_of(one));
    if (other_count > 0) {
        put(place, other_key, other_count, text_of(other));
    }
}

/// The shown key last, and none while the rest is changed: read() tells.
void HeavyHitters::put(std::size_t place, std::uint64_t key, std::uint64_t count,
                       std::string_view octets) {
    octets = octets.substr(0, (words_ - kHeadWords) * sizeof(std::uint64_t));
    shown(place, 0).store(0, std::memory_order_relaxed);
    shown_count(place).store(count, std::memory_order_release);
    std::size_t word = 1;
    const auto write = [&](std::uint64_t value) {
        shown(place, word++).store(value, std::memory_order_relaxed);
    };
    write(octets.size());
    write(check_of(octets));
    for (std::size_t at = 0; at < octets.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t value = 0;
        std::memcpy(&value, octets.data() + at, std::min(sizeof value, octets.size() - at));
        write(value);
    }
    shown(place, 0).store(key, std::memory_order_release);
    key_at(place) = key;
}

/// The count; 0 if nothing is there, or if it was being changed.
std::uint64_t HeavyHitters::read(std::size_t place,
                                 std::array<std::uint64_t, kMostWords>& copy) const {
    copy[0] = shown(place, 0).load(std::memory_order_acquire);
    if (copy[0] == 0) {
        return 0;
    }
    for (std::size_t i = 1; i < words_; ++i) {
        copy[i] = shown(place, i).load(std::memory_order_relaxed);
    }
    const std::uint64_t count = shown_count(place).load(std::memory_order_acquire);
    const bool whole = copy[1] <= (words_ - kHeadWords) * sizeof(std::uint64_t) &&
                       check_of(text_of(copy)) == copy[2];
    return whole && shown(place, 0).load(std::memory_order_relaxed) == copy[0] ? count : 0;
}

}  // namespace server

// Who comes most often, of more than there is memory for: a table of fixed size.
// Knows keys, counts and the octets that stand for a key; knows nothing of DNS. One thread adds,
// any may read meanwhile; nobody waits, and nothing is allocated after the constructor.
//
// What is in the table is counted exactly. What is not gets in by chance, the more surely the more
// often it comes, in place of the least of the four places that its key may have, and begins with
// that one's count (randomized admission, Ben Basat et al., INFOCOM 2017). Counting a sample of all
// would confuse neighbours in rank: at one in 16, names that are asked 4,000 times are off by 250.
// Here only what is not at hand is sampled, once much of that comes; who comes often is moved to
// where it is at hand, and is off by what it came before, some dozens.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace server {

/// 128 secret bits, so that nobody can choose what collides.
struct HitterKey {
    std::uint64_t k0 = 0, k1 = 0;
};

/// Of the product all bits, in 64.
inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t word_at(const char* octets) {
    std::uint64_t word;
    std::memcpy(&word, octets, sizeof word);
    return word;
}

/// Of at least 16 octets; `seed` says what else they are. Cheaper than SipHash by what a query can
/// spend here, and good enough where a collision is a wrong count and nobody sees the hash.
[[gnu::always_inline]] inline std::uint64_t hitter_hash(const HitterKey& key, const char* octets,
                                                        std::size_t size, std::uint64_t seed) {
    std::uint64_t hash = seed ^ key.k0 ^ size;
    const char* const last = octets + size - 16;
    for (; octets < last; octets += 16) {
        hash = folded_product(word_at(octets) ^ key.k1, word_at(octets + 8) ^ hash);
    }
    return folded_product(word_at(last) ^ key.k1, word_at(last + 8) ^ hash);
}

class HeavyHitters {
  public:
    static constexpr std::size_t kWays = 4;
    static constexpr std::uint32_t kOneByOne = 2048;  // misses; then they are sampled
    static constexpr std::uint32_t kSampled = 16;     // one of so many, on average

    /// `places`: a power of two; `most` octets stand for a key at most.
    HeavyHitters(std::size_t places, std::size_t most, std::uint64_t seed);

    /// A place is two words: the key, 0 if it is free, which only the thread that adds may look
    /// at, and the count. Words, and no structures, since their index is an operand of what reads
    /// them, and no sum of its own.
    using Word = std::uint64_t;

    /// One more `key`, if it is at hand: in one of two places. Else false, and then, if
    /// samples_miss() says so, add_missed() is to be called. A query has this twice: every
    /// instruction counts.
    [[gnu::always_inline]] static bool add_at_hand(Word* places, unsigned shift,
                                                   std::uint64_t key) {
        std::size_t at = key >> (shift - 1) & ~std::size_t{1};
        if (places[at] != key) [[unlikely]] {
            at ^= 2;
            if (places[at] != key) {
                return false;
            }
        }
        bump(places[at + 1], 1);
        return true;
    }
    bool add_at_hand(std::uint64_t key) { return add_at_hand(places_.get(), shift_, key); }
    Word* places() { return places_.get(); }
    static constexpr unsigned shift_of(std::size_t places) {
        return 65U - static_cast<unsigned>(std::bit_width(places));
    }
    bool samples_miss() { return --until_miss_ == 0; }
    void add_missed(std::uint64_t key, std::string_view octets);

    /// `times` more `key`, which `octets` stand for.
    void add(std::uint64_t key, std::string_view octets, std::uint32_t times = 1);

    /// Forgets all.
    void clear();

    /// Octets of memory.
    std::size_t memory() const;

    /// Calls `visit(octets, count)` for each; what changes meanwhile may be missing.
    template <typename Visit>
    void for_each(Visit visit) const {
        std::array<std::uint64_t, kMostWords> copy;
        for (std::size_t i = 0; i < size_; ++i) {
            const std::uint64_t count = read(i, copy);
            if (count > 0) {
                visit(text_of(copy), count);
            }
        }
    }

  private:
    static constexpr std::size_t kHeadWords = 3;  // the key, the size, a hash of what follows
    static constexpr std::size_t kMostWords = kHeadWords + 32;

    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };

    static std::string_view text_of(const std::array<std::uint64_t, kMostWords>& copy) {
        return {reinterpret_cast<const char*>(copy.data() + kHeadWords), copy[1]};
    }
    void admit(std::uint64_t key, std::string_view octets, std::uint32_t times);
    void bring_near(std::size_t place, std::size_t lesser, std::uint64_t key);
    void put(std::size_t place, std::uint64_t key, std::uint64_t count, std::string_view octets);
    std::uint64_t read(std::size_t place, std::array<std::uint64_t, kMostWords>& copy) const;
    std::uint64_t random();

    std::size_t set_of(std::uint64_t key) const { return key >> shift_ & ~(kWays - 1); }
    std::uint64_t& key_at(std::size_t place) { return places_[2 * place]; }
    std::uint64_t count_at(std::size_t place) const { return places_[2 * place + 1]; }
    std::atomic_ref<std::uint64_t> shown_count(std::size_t place) const {
        return std::atomic_ref(places_[2 * place + 1]);
    }
    std::atomic_ref<std::uint64_t> shown(std::size_t place, std::size_t word) const {
        return std::atomic_ref(octets_[place * words_ + word]);
    }
    /// Only this thread changes it, and so may read it as it likes.
    static void bump(Word& count, std::uint64_t more) {
        std::atomic_ref(count).store(count + more, std::memory_order_relaxed);
    }

    const std::size_t size_;  // places
    const unsigned shift_;
    const std::size_t words_;  // of what stands for a key
    std::unique_ptr<Word[]> places_;
    std::unique_ptr<std::uint64_t[], Free> octets_;  // pages come when they are written
    std::uint64_t random_;
    std::uint32_t misses_ = 0;  // that were added since clear()
    std::uint32_t until_miss_ = 1;
    std::uint32_t times_ = 1;  // what the next one stands for
};

}  // namespace server

#include "resolver/answer_cache.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "resolver/spin_lock.h"

namespace resolver {
namespace {

using std::chrono::seconds;

constexpr std::size_t kShards = 256;
constexpr std::int64_t kLeastPerShard = 4;  // as CoreDNS
constexpr std::int64_t kMostPerShard = 1 << 16;
constexpr std::size_t kOctetsPerEntry = 1024;
constexpr std::size_t kLeastOctets = std::size_t{2} * AnswerCache::kMaxMessage;
constexpr seconds kLongestAsking{6};  // a forwarder gives up after five
/// Keeps the failure of a question apart from its denial, in the same table.
constexpr std::uint64_t kFailureMark = 0x9e3779b97f4a7c15U;

std::uint64_t keyed_hash_of(const zones::HashKey& key, const CacheQuestion& question) {
    char octets[zones::kMaxNameLength + 5];
    std::memcpy(octets, question.qname.data(), question.qname.size());
    auto* tail = reinterpret_cast<std::uint8_t*>(octets + question.qname.size());
    zones::write_u16(tail, question.qtype);
    zones::write_u16(tail + 2, question.qclass);
    tail[4] = static_cast<std::uint8_t>((question.dnssec_ok ? 1 : 0) |
                                        (question.checking_disabled ? 2 : 0));
    return zones::keyed_hash(key, {octets, question.qname.size() + 5});
}

bool same_question(const CacheEntry& entry, const CacheQuestion& question) {
    const std::size_t name = question.qname.size();
    if (entry.dnssec_ok != question.dnssec_ok ||
        entry.checking_disabled != question.checking_disabled ||
        entry.size < zones::kHeaderSize + name + 4) {
        return false;
    }
    const std::uint8_t* at = &entry.octets[zones::kHeaderSize];
    return std::memcmp(at, question.qname.data(), name) == 0 &&
           zones::read_u16(at + name) == question.qtype &&
           zones::read_u16(at + name + 2) == question.qclass;
}

CacheEntry* find_in(CacheTable& table, std::uint64_t hash, const CacheQuestion& question) {
    CacheEntry* entry = table.find(hash);
    return entry != nullptr && same_question(*entry, question) ? entry : nullptr;
}

bool is_live(const CacheEntry* entry, AnswerCache::Clock::time_point now) {
    return entry != nullptr && now < entry->expires();
}

/// True for one caller in several seconds.
bool claim(CacheEntry& entry, AnswerCache::Clock::time_point now) {
    if (now < entry.asked_until) {
        return false;
    }
    entry.asked_until = now + kLongestAsking;
    return true;
}

std::size_t per_shard(std::int64_t capacity) {
    return static_cast<std::size_t>(
        std::clamp(capacity / static_cast<std::int64_t>(kShards), kLeastPerShard, kMostPerShard));
}

/// Holds a shard's lock if it could be had soon.
class Hold {
  public:
    explicit Hold(SpinLock& lock) : lock_(lock), held_(lock.try_lock()) {}
    ~Hold() {
        if (held_) {
            lock_.unlock();
        }
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    explicit operator bool() const { return held_; }

  private:
    SpinLock& lock_;
    bool held_;
};

}  // namespace

struct alignas(64) AnswerCache::Shard {
    mutable SpinLock lock;
    CacheTable success, denial;
    CacheCounters counters;  // but for the entries
};

struct AnswerCache::Picked {
    CacheEntry* entry = nullptr;  // under the lock only
    Found found;
    std::uint32_t age = 0;  // seconds

    void copy_to(std::span<std::uint8_t> out, Clock::time_point now) {
        std::memcpy(out.data(), entry->octets.get(), entry->size);
        found.size = entry->size - entry->text_size;
        found.error = {entry->extended_error,
                       zones::as_text(out.subspan(found.size, entry->text_size))};
        entry->second_chance = true;
        const auto passed = std::chrono::duration_cast<seconds>(now - entry->stored).count();
        age = static_cast<std::uint32_t>(std::max<std::int64_t>(passed, 0));
    }
};

AnswerCache::AnswerCache(const CacheOptions& options, zones::HashKey key)
    : options_(options), key_(key), shards_(std::make_unique<Shard[]>(kShards)) {
    const std::size_t successes = per_shard(options.success_capacity);
    const std::size_t denials = per_shard(options.denial_capacity);
    const std::size_t places =
        kShards * (CacheTable::places_for(successes) + CacheTable::places_for(denials));
    // Not new: of a large block calloc() takes only what is used.
    places_.reset(static_cast<CacheTable::Place*>(std::calloc(places, sizeof(CacheTable::Place))));
    if (!places_) {
        throw std::bad_alloc();
    }
    std::span<CacheTable::Place> left(places_.get(), places);
    const auto bound = [&left](CacheTable& table, std::size_t entries) {
        const std::size_t own = CacheTable::places_for(entries);
        table.set_bounds(entries, std::max(entries * kOctetsPerEntry, kLeastOctets),
                         left.first(own));
        left = left.subspan(own);
    };
    for (std::size_t i = 0; i < kShards; ++i) {
        bound(shards_[i].success, successes);
        bound(shards_[i].denial, denials);
    }
}

std::uint64_t AnswerCache::hash_of(const CacheQuestion& question) const {
    return question.hash ? *question.hash : keyed_hash_of(key_, question);
}

void AnswerCache::prefetch_shard(std::uint64_t hash) const {
    __builtin_prefetch(&shard_of(hash));
}

void AnswerCache::prefetch_index(std::uint64_t hash) const {
    shard_of(hash).success.prefetch(hash);
}

AnswerCache::~AnswerCache() = default;

AnswerCache::Shard& AnswerCache::shard_of(std::uint64_t hash) const {
    return shards_[hash % kShards];
}

bool AnswerCache::may_serve_stale(const CacheEntry* entry, Clock::time_point now) const {
    return options_.serve_stale && entry != nullptr && now < entry->expires() + options_.stale_for;
}

/// Of what answers the question, whatever its age; success before denial, which are there together
/// only with prefer_positive.
CacheEntry* AnswerCache::stale_entry(Shard& shard, std::uint64_t hash,
                                     const CacheQuestion& question, Clock::time_point now) const {
    for (CacheTable* table : {&shard.success, &shard.denial}) {
        CacheEntry* entry = find_in(*table, hash, question);
        if (may_serve_stale(entry, now)) {
            return entry;
        }
    }
    return nullptr;
}

/// Counts the hit; true if it is popular, about to expire, and nobody else asks.
bool AnswerCache::claim_prefetch(CacheEntry& entry, Clock::time_point now) const {
    if (options_.prefetch_hits == 0) {
        return false;
    }
    entry.hits = now - entry.last_hit > options_.prefetch_gap ? 1 : entry.hits + 1;
    entry.last_hit = now;
    const auto left = entry.expires() - now;
    const auto threshold =
        seconds((std::uint64_t{entry.lifetime} * options_.prefetch_percent + 99) / 100);
    // Not what has just come, or short TTLs would be asked for without end.
    return entry.hits >= options_.prefetch_hits && left <= threshold &&
           now - entry.stored >= seconds(1) && claim(entry, now);
}

AnswerCache::Picked AnswerCache::pick(Shard& shard, std::uint64_t hash,
                                      const CacheQuestion& question, Clock::time_point now) const {
    CacheEntry* success = find_in(shard.success, hash, question);
    if (is_live(success, now)) {
        ++shard.counters.success_hits;
        return pick_fresh(shard, *success, now);
    }
    CacheEntry* denial = find_in(shard.denial, hash, question);
    const bool denied = is_live(denial, now);
    CacheEntry* stale = may_serve_stale(success, now) ? success : nullptr;
    if (denied && !(options_.prefer_positive && stale != nullptr)) {
        ++shard.counters.denial_hits;
        Picked picked = pick_fresh(shard, *denial, now);
        picked.found.denial = true;
        return picked;
    }
    if (stale == nullptr && may_serve_stale(denial, now)) {
        stale = denial;
    }
    CacheEntry* failure = find_in(shard.denial, hash ^ kFailureMark, question);
    const bool failed = is_live(failure, now);
    Picked picked;
    if (stale != nullptr && (failed || denied || !options_.verify_stale)) {
        ++shard.counters.served_stale;
        picked.entry = stale;
        picked.found.state = Found::State::Stale;
        picked.found.denial = stale == denial;
        picked.found.refresh = !failed && !denied && claim(*stale, now);
    } else if (failed) {
        ++shard.counters.denial_hits;
        picked.entry = failure;
        picked.found.state = Found::State::Fresh;
        picked.found.denial = true;
    } else {
        ++shard.counters.misses;
        picked.found.has_stale = stale != nullptr;
    }
    return picked;
}

AnswerCache::Picked AnswerCache::pick_fresh(Shard& shard, CacheEntry& entry,
                                            Clock::time_point now) const {
    Picked picked;
    picked.entry = &entry;
    picked.found.state = Found::State::Fresh;
    picked.found.refresh = claim_prefetch(entry, now);
    shard.counters.prefetches += picked.found.refresh ? 1 : 0;
    return picked;
}

Found AnswerCache::dress(const Picked& picked, std::span<std::uint8_t> message) const {
    if (picked.found.state == Found::State::Stale) {
        set_ttls(message.first(picked.found.size), options_.stale_ttl);
    } else if (picked.found.state == Found::State::Fresh && !options_.keep_ttl && picked.age > 0) {
        age_ttls(message.first(picked.found.size), picked.age);
    }
    return picked.found;
}

Found AnswerCache::find(const CacheQuestion& question, Clock::time_point now,
                        std::span<std::uint8_t> out) {
    const std::uint64_t hash = hash_of(question);
    Shard& shard = shard_of(hash);
    Picked picked;
    {
        const Hold hold(shard.lock);
        if (!hold) {
            return {};
        }
        picked = pick(shard, hash, question, now);
        if (picked.entry != nullptr) {
            picked.copy_to(out, now);
        }
    }
    return dress(picked, out);
}

Found AnswerCache::find_stale(const CacheQuestion& question, Clock::time_point now,
                              std::span<std::uint8_t> out) {
    const std::uint64_t hash = hash_of(question);
    Shard& shard = shard_of(hash);
    Picked picked;
    {
        const Hold hold(shard.lock);
        if (!hold || (picked.entry = stale_entry(shard, hash, question, now)) == nullptr) {
            return {};
        }
        ++shard.counters.served_stale;
        picked.found.state = Found::State::Stale;
        picked.copy_to(out, now);
    }
    return dress(picked, out);
}

std::uint64_t AnswerCache::insert(const CacheQuestion& question, const Cacheable& kept,
                                  std::span<const std::uint8_t> message, Clock::time_point now,
                                  const zones::ExtendedError& error) {
    const std::string_view text = error.text.substr(0, kLongestText);
    const std::size_t size = message.size() + text.size();
    if (size > kMaxMessage) {
        return 0;
    }
    const bool failure = kept.kind == AnswerKind::Failure;
    const std::uint64_t hash = hash_of(question);
    CacheEntry entry;
    entry.hash = failure ? hash ^ kFailureMark : hash;
    entry.octets = std::make_unique<std::uint8_t[]>(size);
    std::ranges::copy(text, std::ranges::copy(message, entry.octets.get()).out);
    entry.size = static_cast<std::uint32_t>(size);
    entry.lifetime = kept.lifetime;
    entry.extended_error = error.code;
    entry.text_size = static_cast<std::uint8_t>(text.size());
    entry.dnssec_ok = question.dnssec_ok;
    entry.checking_disabled = question.checking_disabled;
    entry.stored = now;

    const auto dead = now - (options_.serve_stale ? options_.stale_for : Clock::duration{});
    Shard& shard = shard_of(hash);
    const Hold hold(shard.lock);
    if (!hold) {
        return 0;
    }
    if (failure) {
        if (stale_entry(shard, hash, question, now) != nullptr) {
            const auto recheck = std::chrono::ceil<seconds>(options_.recheck).count();
            entry.lifetime = std::max(entry.lifetime, static_cast<std::uint32_t>(recheck));
        }
        if (entry.lifetime == 0) {
            return 0;
        }
        const std::uint64_t evicted = shard.denial.insert(std::move(entry), dead);
        shard.counters.denial_evictions += evicted;
        return evicted;
    }
    const bool success = kept.kind == AnswerKind::Success;
    CacheTable& table = success ? shard.success : shard.denial;
    if (const CacheEntry* before = find_in(table, hash, question)) {
        entry.hits = before->hits;  // it stays popular
        entry.last_hit = before->last_hit;
        entry.second_chance = before->second_chance;
    }
    if (success) {
        shard.denial.remove(hash);
    } else if (!options_.prefer_positive) {
        shard.success.remove(hash);
    }
    shard.denial.remove(hash ^ kFailureMark);
    const std::uint64_t evicted = table.insert(std::move(entry), dead);
    (success ? shard.counters.success_evictions : shard.counters.denial_evictions) += evicted;
    return evicted;
}

std::uint64_t AnswerCache::insert_failure(const CacheQuestion& question,
                                          const zones::ExtendedError& error,
                                          Clock::time_point now) {
    std::uint8_t message[zones::kHeaderSize + zones::kMaxNameLength + 4];
    Cacheable kept;
    kept.kind = AnswerKind::Failure;
    kept.lifetime = options_.ttls.failure;
    kept.size = write_failure(question.qname, question.qtype, question.qclass,
                              zones::Rcode::ServFail, message);
    return insert(question, kept, {message, kept.size}, now, error);
}

CacheCounters AnswerCache::counters() const {
    CacheCounters sum;
    for (std::size_t i = 0; i < kShards; ++i) {
        const Shard& shard = shards_[i];
        shard.lock.lock();
        const CacheCounters& one = shard.counters;
        sum.success_hits += one.success_hits;
        sum.denial_hits += one.denial_hits;
        sum.misses += one.misses;
        sum.success_evictions += one.success_evictions;
        sum.denial_evictions += one.denial_evictions;
        sum.prefetches += one.prefetches;
        sum.served_stale += one.served_stale;
        sum.success_entries += shard.success.size();
        sum.denial_entries += shard.denial.size();
        shard.lock.unlock();
    }
    return sum;
}

}  // namespace resolver

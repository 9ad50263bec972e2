#include "resolver/in_flight.h"

namespace resolver {

namespace {

// Bounds what one reply sets off at once; who comes later starts the next upstream query.
constexpr std::size_t kMostWaiters = 2000;
constexpr std::size_t kBuckets = 2048;

std::uint64_t random64(RandomBits& random) {
    std::uint64_t value = 0;
    for (int i = 0; i < 4; ++i)
        value = value << 16 | random.next();
    return value;
}

}  // namespace

InFlight::InFlight(RandomBits& random) : buckets_(kBuckets) {
    key_.k0 = random64(random);
    key_.k1 = random64(random);
}

Pending* InFlight::find(const UpstreamQuery& query, std::uint64_t fingerprint) const {
    Pending* pending = buckets_[fingerprint % buckets_.size()];
    while (pending != nullptr &&
           !(pending->fingerprint == fingerprint && pending->query.asks_the_same(query)))
        pending = pending->next;
    return pending != nullptr && pending->waiters.size() < kMostWaiters ? pending : nullptr;
}

void InFlight::add(Pending& pending) {
    auto& first = bucket(pending.fingerprint);
    pending.next = first;
    first = &pending;
}

void InFlight::remove(Pending& pending) {
    for (auto* at = &bucket(pending.fingerprint); *at != nullptr; at = &(*at)->next) {
        if (*at == &pending) {
            *at = pending.next;
            return;
        }
    }
}

}  // namespace resolver

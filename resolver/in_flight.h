// Finds the pending question that an equal one can join.
// So a thousand clients that ask for one name cost one upstream query, and a forger can't have many
// equal questions in flight at once to guess at (RFC 5452 §5). Borrows what it holds. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "resolver/pending.h"
#include "resolver/random_bits.h"
#include "zones/hash.h"

namespace resolver {

class InFlight {
  public:
    explicit InFlight(RandomBits& random);

    std::uint64_t fingerprint(const UpstreamQuery& query) const { return query.fingerprint(key_); }

    /// A question that asks the same and takes one more waiter; or null.
    Pending* find(const UpstreamQuery& query, std::uint64_t fingerprint) const;

    /// From now on equal questions join this one, and no more any that was there before.
    void add(Pending& pending);
    /// It need not be there.
    void remove(Pending& pending);

  private:
    Pending*& bucket(std::uint64_t fingerprint) { return buckets_[fingerprint % buckets_.size()]; }

    zones::HashKey key_;
    std::vector<Pending*> buckets_;  // linked by Pending::next, the latest first
};

}  // namespace resolver

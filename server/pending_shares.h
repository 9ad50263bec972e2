// How many queries of each client wait for upstreams, and how many may.
// Knows clients as keys; knows nothing of queries. Counts in a few arrays of fixed size: of two
// clients in the same places of all of them each would be taken for both, and places are found by a
// keyed hash. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "zones/hash.h"

namespace server {

class PendingShares {
  public:
    explicit PendingShares(zones::HashKey key) : key_(key) {}

    /// Where a client's queries are counted: those for `of`, or all of them.
    struct Place {
        std::array<std::uint16_t, 2> at{};
    };
    Place place_of(std::uint64_t client, std::uint64_t of) const;

    /// Perhaps more than there are, never less.
    std::size_t held(const Place& place) const;
    void add(const Place& place);
    /// It was added.
    void remove(const Place& place);

    /// Whether who holds so many may have one more, where so many of all places are taken: while it
    /// has less than three times what is left. A single client gets three quarters of the places;
    /// of several that want all each has the same once places come back, and leaves some to others
    /// (Choudhury, Hahne: Dynamic Queue Length Thresholds, 1998).
    static bool may_have_more(std::size_t held, std::size_t taken, std::size_t places) {
        return taken < places && held < 3 * (places - taken);
    }

  private:
    static constexpr std::size_t kCounts = 4096;

    zones::HashKey key_;
    std::array<std::array<std::uint16_t, kCounts>, 2> counts_{};  // at most what may wait: 10,000
};

}  // namespace server

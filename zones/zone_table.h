// Which of a set of zones a name belongs to.
// Knows names only; what a zone stands for is the caller's number. Built at load, immutable after;
// any thread may read. A look-up is one comparison for a single zone, else a binary search per
// label.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "zones/name.h"

namespace zones {

class ZoneTable {
  public:
    struct Match {
        std::size_t value = 0;   // as given to add()
        std::size_t labels = 0;  // of the zone, without the root
    };

    /// False if the zone is there already.
    bool add(const Name& zone, std::size_t value);

    /// The longest zone that is `name` or above it.
    std::optional<Match> find(const LoweredName& name) const;

    /// The shortest such zone but the root, else the root: where the parent side of a zone cut
    /// answers for DS (RFC 4035 §3.1.4.1).
    std::optional<Match> find_parent_side(const LoweredName& name) const;

    bool empty() const { return by_labels_.empty(); }

  private:
    struct Entry {
        std::string wire;  // lower case
        std::size_t value;
    };

    std::optional<Match> at_depth(const LoweredName& name, std::size_t labels) const;

    std::vector<std::vector<Entry>> by_labels_;  // [n]: zones of n labels, in order
};

}  // namespace zones

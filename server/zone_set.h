// The zones of a Corefile's line, to be asked whether a name is in one of them.
// Knows names only; which of the zones it was does not matter. Made at load; the value that it
// returns is immutable after, for any thread.
#pragma once

#include <vector>

#include "zones/zone_table.h"

namespace server {

inline zones::ZoneTable zone_set(const std::vector<zones::Name>& names) {
    zones::ZoneTable table;
    for (const zones::Name& name : names) {
        table.add(name, 0);
    }
    return table;
}

}  // namespace server

// Texts to compare: the records of a section, the lines of a log.
// A name for a type; no state.
#pragma once

#include <string>
#include <vector>

namespace server::testing {

using Texts = std::vector<std::string>;

}  // namespace server::testing

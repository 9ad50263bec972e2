// An explanation as JSON, for programs.
// Knows the names of members, which keep their meaning from version to version; new ones may come.
// Free function; any thread.
#pragma once

#include <string>

#include "server/explanation.h"

namespace server {

/// One object, without an end of line. `text`: a member of that name; empty: none.
std::string explanation_json(const Explanation& explanation, const std::string& text = {});

}  // namespace server

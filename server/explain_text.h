// An explanation as text for people.
// Knows its layout and the colours of terminals; every text in it is printable already. Free
// function; any thread.
#pragma once

#include <string>

#include "server/explanation.h"

namespace server {

/// Lines, each with its end. `colours`: by SGR sequences (ECMA-48 §8.3.117).
std::string explanation_text(const Explanation& explanation, bool colours);

}  // namespace server

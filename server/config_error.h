// The one exception of start-up and reload: something the process cannot run with.
// Knows nothing of Corefiles. Caught in main only; never thrown while a query is answered.
#pragma once

#include <stdexcept>

namespace server {

/// A Corefile, flag or environment that the process cannot run with. The text is complete: file,
/// line, what was read, what is known.
class ConfigError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace server

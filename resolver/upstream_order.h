// In which order one question tries the upstreams.
// Knows the three policies of the `forward` plugin; knows nothing of the upstreams' health.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "resolver/forward.h"
#include "resolver/random_bits.h"

namespace resolver {

/// Indices of upstreams, the first to be tried first.
using Order = std::array<std::uint8_t, kMostUpstreams>;

class UpstreamOrder {
  public:
    UpstreamOrder(Policy policy, std::size_t upstreams) : policy_(policy), upstreams_(upstreams) {}

    Order next(RandomBits& random);

  private:
    Policy policy_;
    std::size_t upstreams_;
    std::size_t turn_ = 0;  // round robin
};

}  // namespace resolver

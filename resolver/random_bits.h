// Unpredictable numbers from getrandom(2), drawn in bulk.
// Query ids, the channel and with it the source port, and the order of upstreams all come from
// here, so that a forger can predict none of them (RFC 5452 §9.2). Lives on one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace resolver {

class RandomBits {
  public:
    std::uint16_t next();

    /// Uniform over [0, bound) but for a bias of bound / 65536.
    std::size_t below(std::size_t bound) { return next() * bound >> 16; }

  private:
    void refill();

    std::array<std::uint16_t, 512> numbers_{};
    std::size_t used_ = numbers_.size();
};

}  // namespace resolver

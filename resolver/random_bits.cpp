#include "resolver/random_bits.h"

#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace resolver {

std::uint16_t RandomBits::next() {
    if (used_ == numbers_.size())
        refill();
    return numbers_[used_++];
}

void RandomBits::refill() {
    auto* bytes = reinterpret_cast<std::uint8_t*>(numbers_.data());
    std::size_t filled = 0;
    while (filled < sizeof numbers_) {
        const ssize_t got = getrandom(bytes + filled, sizeof numbers_ - filled, 0);
        if (got > 0)
            filled += static_cast<std::size_t>(got);
        else if (errno != EINTR)
            std::abort();  // a guessable id is worse than no server
    }
    used_ = 0;
}

}  // namespace resolver

#include "resolver/upstream_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace resolver {

Order UpstreamOrder::next(RandomBits& random) {
    Order order{};
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    if (policy_ == Policy::Random) {
        for (std::size_t left = upstreams_; left > 1; --left)
            std::swap(order[left - 1], order[random.below(left)]);
    } else if (policy_ == Policy::RoundRobin) {
        // As CoreDNS: the turn picks the head, the others keep their order.
        const auto head = static_cast<std::ptrdiff_t>(turn_++ % upstreams_);
        std::rotate(order.begin(), order.begin() + head, order.begin() + head + 1);
    }
    return order;
}

}  // namespace resolver

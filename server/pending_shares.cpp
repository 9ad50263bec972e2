#include "server/pending_shares.h"

#include <algorithm>
#include <cstring>

namespace server {

PendingShares::Place PendingShares::place_of(std::uint64_t client, std::uint64_t of) const {
    std::array<char, sizeof client + sizeof of> octets;
    std::memcpy(octets.data(), &client, sizeof client);
    std::memcpy(octets.data() + sizeof client, &of, sizeof of);
    const std::uint64_t hash = zones::keyed_hash(key_, {octets.data(), octets.size()});
    return {{static_cast<std::uint16_t>(hash % kCounts),
             static_cast<std::uint16_t>((hash >> 32) % kCounts)}};
}

std::size_t PendingShares::held(const Place& place) const {
    return std::min(counts_[0][place.at[0]], counts_[1][place.at[1]]);
}

void PendingShares::add(const Place& place) {
    ++counts_[0][place.at[0]];
    ++counts_[1][place.at[1]];
}

void PendingShares::remove(const Place& place) {
    --counts_[0][place.at[0]];
    --counts_[1][place.at[1]];
}

}  // namespace server

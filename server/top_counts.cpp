#include "server/top_counts.h"

#include <algorithm>
#include <sys/random.h>
#include <system_error>

namespace server {
namespace {

/// What stands for a key of each table: an address with its size; wire names; a response code and
/// a wire name.
constexpr std::array<std::size_t, kTopTables> kOctets = {16, 255, 255, 256, 255};

template <std::size_t... I>
std::array<HeavyHitters, kTopTables> make_tables(const HitterKey& key, std::index_sequence<I...>) {
    return {HeavyHitters(TopCounts::kPlaces[I], kOctets[I], key.k0 ^ (key.k1 << I))...};
}

/// An address in network order.
std::string_view address_octets(const Client& client) {
    return client.peer.any.sa_family == AF_INET
               ? std::string_view(reinterpret_cast<const char*>(&client.peer.v4.sin_addr), 4)
               : std::string_view(reinterpret_cast<const char*>(&client.peer.v6.sin6_addr), 16);
}

HitterKey random_hitter_key() {
    HitterKey key;
    if (getrandom(&key, sizeof key, 0) != sizeof key) {
        throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    key.k1 |= 1U;  // a factor by which nothing becomes the same
    return key;
}

}  // namespace

TopCounts::Window::Window(const HitterKey& key)
    : tables(make_tables(key, std::make_index_sequence<kTopTables>{})) {}

void TopCounts::Window::clear(Clock::time_point now) {
    for (HeavyHitters& table : tables) {
        table.clear();
    }
    began.store(now, std::memory_order_relaxed);
}

TopCounts::TopCounts(const HitterKey& key, Clock::duration window, Clock::time_point now)
    : key_(key),
      length_(window),
      windows_{Window(key), Window(key)},
      nothing_(1024, 0, 0),
      next_(now + window),
      random_(key.k1 | 1U) {
    use(windows_[0]);
    for (Window& one : windows_) {
        one.began.store(now, std::memory_order_relaxed);
    }
}

void TopCounts::tick(Clock::time_point now) {
    if (now < next_) {
        return;
    }
    next_ = now + length_;
    use(current_ == &windows_[0] ? windows_[1] : windows_[0]);
    current_->clear(now);
    refusals_ = 0;
    until_refusal_ = 1;
}

void TopCounts::use(Window& window) {
    current_ = &window;
    clients_ = window.tables[0].places();
    for (std::size_t flags = 0; flags < by_flags_.size(); ++flags) {
        const auto rcode = static_cast<zones::Rcode>(flags & zones::header::kRcodeMask);
        by_flags_[flags] = (rcode == zones::Rcode::NoError    ? window.tables[1]
                            : rcode == zones::Rcode::NxDomain ? window.tables[2]
                                                              : nothing_)
                               .places();
    }
}

TopCounts::Clock::time_point TopCounts::began() const {
    return std::min(windows_[0].began.load(std::memory_order_relaxed),
                    windows_[1].began.load(std::memory_order_relaxed));
}

std::size_t TopCounts::memory() const {
    std::size_t octets = sizeof *this;
    for (const Window& window : windows_) {
        for (const HeavyHitters& table : window.tables) {
            octets += table.memory();
        }
    }
    return octets;
}

std::uint64_t TopCounts::key_of(const zones::LoweredName& name) const {
    const char* const octets = reinterpret_cast<const char*>(name.octets.data());
    if (name.size >= 16) {
        return hitter_hash(key_, octets, name.size, 0);
    }
    std::array<char, 16> padded{};
    std::copy_n(octets, name.size, padded.begin());
    return hitter_hash(key_, padded.data(), padded.size(), name.size);
}

void TopCounts::replied_to_any(const zones::Query& query, const Client& client, std::size_t flags) {
    replied(query, key_of(query.name), client, flags);
}

/// The name is not at hand; nor may the client be.
void TopCounts::missed(const zones::Query& query, std::uint64_t name, const Client& client,
                       std::size_t flags) {
    const auto rcode = static_cast<zones::Rcode>(flags & zones::header::kRcodeMask);
    if (rcode == zones::Rcode::NoError || rcode == zones::Rcode::NxDomain) {
        HeavyHitters& names = current_->tables[rcode == zones::Rcode::NoError ? 1 : 2];
        if (names.samples_miss()) {
            names.add_missed(name, query.name.wire());
        }
    } else {
        add_error(query, name, rcode, 1);
    }
    replied_to(client);
}

void TopCounts::replied_to(const Client& client) {
    HeavyHitters& clients = current_->tables[0];
    const std::uint64_t who = key_of(client);
    if (!clients.add_at_hand(who) && clients.samples_miss()) {
        clients.add_missed(who, address_octets(client));
    }
}

void TopCounts::add_error(const zones::Query& query, std::uint64_t key, zones::Rcode rcode,
                          std::uint32_t times) {
    std::array<char, 256> octets;
    octets[0] = static_cast<char>(rcode);
    const std::string_view name = query.name.wire();
    name.copy(&octets[1], name.size());
    current_->tables[static_cast<std::size_t>(TopTable::Errors)].add(
        key ^ static_cast<std::uint64_t>(rcode) << 32, {octets.data(), name.size() + 1}, times);
}

void TopCounts::refused(const zones::Query& query, const Client& client, zones::Rcode rcode) {
    constexpr std::uint32_t kOneByOne = 256;  // of a window; then one in 64, on average
    constexpr std::uint32_t kSampled = 64;
    const bool sampled = ++refusals_ > kOneByOne;
    const std::uint32_t times = sampled ? kSampled : 1;
    current_->tables[0].add(key_of(client), address_octets(client), times);
    if (query.has_question) {
        add_error(query, key_of(query.name), rcode, times);
    }
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    until_refusal_ = refusals_ < kOneByOne
                         ? 1
                         : 1 + static_cast<std::uint32_t>((random_ >> 32) % (2 * kSampled - 1));
}

void TopCounts::leaked(const zones::LoweredName& name) {
    if (looks_like_cluster(name)) {
        current_->tables[static_cast<std::size_t>(TopTable::Leaked)].add(key_of(name), name.wire());
    }
}

bool looks_like_cluster(const zones::LoweredName& name) {
    if (name.labels < 2) {
        return false;
    }
    if (name.label(name.labels - 1) == "local") {
        return true;
    }
    for (std::size_t i = 1; i < name.labels; ++i) {
        if (name.label(i) == "svc" || name.label(i) == "pod") {
            return true;
        }
    }
    return false;
}

Top::Top(std::size_t workers, TopCounts::Clock::duration window) {
    const HitterKey key = random_hitter_key();
    for (std::size_t i = 0; i < workers; ++i) {
        workers_.push_back(std::make_unique<TopCounts>(key, window, TopCounts::Clock::now()));
    }
}

}  // namespace server

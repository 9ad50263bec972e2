// Who asks what: what a worker counts for `keryx top` and the page, and what is read of it.
// Knows clients, names and response codes of replies that were made; knows no HTTP and no cluster.
// A worker writes its own tables, for the window of time in hand and the one before; whoever reads
// adds them up. Owned by the routing, and by the next one if that has `status` as well: a reload
// keeps the counts.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <netinet/in.h>
#include <vector>

#include "server/client.h"
#include "server/heavy_hitters.h"
#include "zones/locate.h"
#include "zones/message.h"
#include "zones/query.h"

namespace server {

/// The tables of a worker; the lists that are shown are made of them.
enum class TopTable : std::uint8_t {
    Clients,
    Names,     // that had NOERROR
    NxDomain,  // that do not exist
    Errors,    // that had any other response code, which stands before the name
    Leaked,    // that look like a cluster's, and went upstream
};
inline constexpr std::size_t kTopTables = 5;

class TopCounts {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::array<std::size_t, kTopTables> kPlaces = {1024, 1024, 1024, 256, 256};

    TopCounts(const HitterKey& key, Clock::duration window, Clock::time_point now);

    /// What tells a name below `svc` from others: the hash of its Service and namespace, which the
    /// look-up has made, and then only what stands before it is left to be hashed: `foreseen` says
    /// how much, and that is 16 octets at most. `where`: whatever tells apart names of the same
    /// Service in different zones.
    static std::uint64_t key_of(const zones::Foreseen& foreseen, std::uint64_t where) {
        return (foreseen.hash ^ where) + foreseen.zone->value;
    }
    std::uint64_t key_of(const zones::LoweredName& name, const zones::Foreseen& foreseen,
                         std::uint64_t where) const {
        const char* const octets = reinterpret_cast<const char*>(name.octets.data());
        return folded_product(
            word_at(octets) ^ key_.k1,
            word_at(octets + 8) ^ (key_of(foreseen, where) + foreseen.octets_before));
    }
    /// The same without any.
    std::uint64_t key_of(const zones::LoweredName& name) const;

    /// A reply to `client`; `name`: the key of what was asked; `flags`: the last octet of them, in
    /// which the response code is.
    [[gnu::always_inline]] void replied(const zones::Query& query, std::uint64_t name,
                                        const Client& client, std::size_t flags) {
        if (!HeavyHitters::add_at_hand(by_flags_[flags], kShift, name)) [[unlikely]] {
            return missed(query, name, client, flags);
        }
        if (client.peer.any.sa_family != AF_INET ||
            !HeavyHitters::add_at_hand(clients_, kShift, key_of_v4(client))) [[unlikely]] {
            replied_to(client);
        }
    }
    /// The same without a key.
    void replied_to_any(const zones::Query& query, const Client& client, std::size_t flags);

    /// Whether this refusal of a message that is no question is to be counted, for others as well:
    /// what costs next to nothing is not to cost more for being counted.
    bool samples_refusal() { return --until_refusal_ == 0; }
    void refused(const zones::Query& query, const Client& client, zones::Rcode rcode);

    /// That name of an upstream's, in lower case, was none of a cluster but looks so.
    void leaked(const zones::LoweredName& name);

    /// Now and then, by the worker: begins the next window.
    void tick(Clock::time_point now);

    /// Calls `visit(octets, count)` for what is in the tables. Any thread.
    template <typename Visit>
    void for_each(TopTable table, Visit visit) const {
        for (const Window& window : windows_) {
            window.tables[static_cast<std::size_t>(table)].for_each(visit);
        }
    }
    /// When the older of both windows began.
    Clock::time_point began() const;

    /// Octets of memory, at most.
    std::size_t memory() const;

  private:
    struct Window {
        explicit Window(const HitterKey& key);
        void clear(Clock::time_point now);

        std::array<HeavyHitters, kTopTables> tables;
        std::atomic<Clock::time_point> began{};
    };

    /// No two have the same, since the factor is odd. That of 0.0.0.0, from where nobody asks, is a
    /// free place's.
    std::uint64_t key_of_v4(const Client& client) const {
        return client.peer.v4.sin_addr.s_addr * key_.k1;
    }
    std::uint64_t key_of(const Client& client) const {
        if (client.peer.any.sa_family == AF_INET) {
            return key_of_v4(client);
        }
        const char* const octets = reinterpret_cast<const char*>(&client.peer.v6.sin6_addr);
        return folded_product(word_at(octets) ^ key_.k0, word_at(octets + 8) ^ key_.k1);
    }
    void use(Window& window);
    void missed(const zones::Query& query, std::uint64_t name, const Client& client,
                std::size_t flags);
    void replied_to(const Client& client);
    void add_error(const zones::Query& query, std::uint64_t key, zones::Rcode rcode,
                   std::uint32_t times);

    static constexpr unsigned kShift = HeavyHitters::shift_of(1024);
    static_assert(kPlaces[0] == 1024 && kPlaces[1] == 1024 && kPlaces[2] == 1024);

    const HitterKey key_;
    const Clock::duration length_;
    std::array<Window, 2> windows_;
    HeavyHitters nothing_;  // is empty, for response codes that missed() has to see
    // The worker's own, and of the window in hand:
    Window* current_ = nullptr;
    HeavyHitters::Word* clients_ = nullptr;
    std::array<HeavyHitters::Word*, 256> by_flags_{};  // the table of names
    Clock::time_point next_;
    std::uint32_t refusals_ = 0;  // that were counted
    std::uint32_t until_refusal_ = 1;
    std::uint64_t random_;
};

/// Of all workers.
class Top {
  public:
    static constexpr std::chrono::seconds kWindow{60};

    /// Draws a key of its own.
    explicit Top(std::size_t workers, TopCounts::Clock::duration window = kWindow);

    TopCounts& worker(std::size_t index) { return *workers_[index]; }
    const std::vector<std::unique_ptr<TopCounts>>& workers() const { return workers_; }

  private:
    std::vector<std::unique_ptr<TopCounts>> workers_;
};

/// Names that a cluster's clients ask for when they mean one of a cluster: below `local`, or with a
/// label `svc` or `pod` behind the first.
bool looks_like_cluster(const zones::LoweredName& name);

}  // namespace server

// Everything one `kubernetes` block answers from, at one moment.
// Immutable; made by the ClusterStore, published by the server, read by every worker. A copy shares
// all that did not change. One query reads exactly one snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "zones/address_index.h"
#include "zones/hash.h"
#include "zones/service_records.h"

namespace zones {

/// Open addressing, at most three quarters full; a slot without records is free.
class ServiceShard {
  public:
    struct Slot {
        std::uint64_t hash = 0;
        std::shared_ptr<const ServiceRecords> records;
    };

    /// A copy with `records` in place of what has its hash; null records take it out.
    std::shared_ptr<const ServiceShard> with(std::uint64_t hash,
                                             std::shared_ptr<const ServiceRecords> records) const;

    /// nullptr if none has that hash. The pointer lives as long as the shard.
    const ServiceRecords* find(std::uint64_t hash) const;

    /// Brings near what find() reads.
    void prefetch(std::uint64_t hash) const;

    std::size_t size() const { return used_; }

    /// Calls `visit(records)` for each, in no order.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const Slot& slot : slots_) {
            if (slot.records != nullptr) {
                visit(*slot.records);
            }
        }
    }

  private:
    friend class ShardBuilder;
    void insert(std::uint64_t hash, std::shared_ptr<const ServiceRecords> records);

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

struct Snapshot {
    static constexpr std::size_t kShards = 256;

    HashKey key;
    std::array<std::shared_ptr<const ServiceShard>, kShards> shards;
    /// Exposed namespaces, lower case, sorted.
    std::shared_ptr<const std::vector<std::string>> namespaces;
    AddressIndex<Ipv4> addresses4;  // of cluster IPs and counted endpoints: hash of the Service
    AddressIndex<Ipv6> addresses6;
    AddressIndex<Ipv4> pods4;  // of pods: hash of the namespace's label
    AddressIndex<Ipv6> pods6;
    std::uint32_t serial = 0;
    std::uint64_t revision = 0;  // another number, other answers
    bool synced = false;
    bool stale = false;  // of an earlier run of the server, until the API server has been listed

    Snapshot();

    /// `labels`: wire labels <service><namespace>, lower case.
    const ServiceRecords* find_service(std::string_view labels) const;
    const ServiceShard& shard_of(std::uint64_t hash) const { return *shards[hash % kShards]; }
    const ServiceRecords* find_service(std::uint64_t hash) const {
        return shard_of(hash).find(hash);
    }
    bool namespace_exposed(std::string_view label) const;
};

}  // namespace zones

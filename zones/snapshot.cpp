#include "zones/snapshot.h"

#include <algorithm>
#include <bit>

namespace zones {
namespace {

/// The low bits choose the shard.
std::size_t first_slot(std::uint64_t hash, std::size_t slots) {
    return static_cast<std::size_t>(hash >> 8) & (slots - 1);
}

}  // namespace

void ServiceShard::insert(std::uint64_t hash, std::shared_ptr<const ServiceRecords> records) {
    std::size_t at = first_slot(hash, slots_.size());
    while (slots_[at].records != nullptr) {
        at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = {hash, std::move(records)};
    ++used_;
}

std::shared_ptr<const ServiceShard> ServiceShard::with(
    std::uint64_t hash, std::shared_ptr<const ServiceRecords> records) const {
    auto copy = std::make_shared<ServiceShard>();
    const std::size_t used = used_ + 1;
    copy->slots_.resize(std::bit_ceil(used + used / 3 + 1));  // at least one stays free
    for (const Slot& slot : slots_) {
        if (slot.records != nullptr && slot.hash != hash) {
            copy->insert(slot.hash, slot.records);
        }
    }
    if (records != nullptr) {
        copy->insert(hash, std::move(records));
    }
    return copy;
}

const ServiceRecords* ServiceShard::find(std::uint64_t hash) const {
    if (slots_.empty()) {
        return nullptr;
    }
    for (std::size_t at = first_slot(hash, slots_.size());; at = (at + 1) & (slots_.size() - 1)) {
        const Slot& slot = slots_[at];
        if (slot.records == nullptr) {
            return nullptr;
        }
        if (slot.hash == hash) {
            return slot.records.get();
        }
    }
}

void ServiceShard::prefetch(std::uint64_t hash) const {
    if (!slots_.empty()) {
        __builtin_prefetch(&slots_[first_slot(hash, slots_.size())]);
    }
}

Snapshot::Snapshot() : namespaces(std::make_shared<const std::vector<std::string>>()) {
    shards.fill(std::make_shared<const ServiceShard>());
}

const ServiceRecords* Snapshot::find_service(std::string_view labels) const {
    const ServiceRecords* records = find_service(keyed_hash(key, labels));
    return records != nullptr && records->key == labels ? records : nullptr;
}

bool Snapshot::namespace_exposed(std::string_view label) const {
    return std::binary_search(namespaces->begin(), namespaces->end(), label, std::less<>());
}

}  // namespace zones

#include "zones/cluster_store.h"

#include <algorithm>

namespace zones {
namespace {

std::string wire_labels(std::string_view service, std::string_view ns) {
    std::string labels;
    for (const std::string_view label : {service, ns}) {
        labels += static_cast<char>(label.size());
        labels += to_lower(label);
    }
    return labels;
}

bool is_label(std::string_view text) {
    return !text.empty() && text.size() <= kMaxLabelLength;
}

/// All addresses of a Service, once each: a slice may name the Service's own cluster IP.
template <typename Ip>
std::vector<Ip> united(std::span<const Ip> a, std::span<const Ip> b) {
    std::vector<Ip> all;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
    return all;
}

template <typename Ip>
void edit(const std::vector<Ip>& before, const std::vector<Ip>& after, std::uint64_t hash,
          std::vector<typename AddressIndex<Ip>::Entry>& added,
          std::vector<typename AddressIndex<Ip>::Entry>& removed) {
    std::vector<Ip> gone, come;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(gone));
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                        std::back_inserter(come));
    for (const Ip& address : gone) {
        removed.emplace_back(address, hash);
    }
    for (const Ip& address : come) {
        added.emplace_back(address, hash);
    }
}

/// The last word on an entry within a batch wins.
template <typename Ip>
void note(const Ip& address, std::uint64_t hash, bool add,
          std::vector<typename AddressIndex<Ip>::Entry>& added,
          std::vector<typename AddressIndex<Ip>::Entry>& removed) {
    auto& to = add ? added : removed;
    auto& from = add ? removed : added;
    const typename AddressIndex<Ip>::Entry entry(address, hash);
    std::erase(from, entry);
    to.push_back(entry);
}

}  // namespace

ClusterStore::ClusterStore(ClusterOptions options, HashKey key)
    : options_(std::move(options)),
      key_(key),
      services_(0, KeyedHash{key}),
      slice_owner_(0, KeyedHash{key}),
      pod_ips_(0, KeyedHash{key}),
      pods_at_(0, KeyedHash{key}) {
    auto empty = std::make_shared<Snapshot>();
    empty->key = key_;
    snapshot_ = std::move(empty);
}

void ClusterStore::apply(std::span<const k8s_client::Change> changes, std::uint32_t now) {
    next_ = std::make_shared<Snapshot>(*snapshot_);
    relevant_ = false;
    for (const auto& change : changes) {
        apply_one(change);
    }
    if (relevant_ || namespaces_changed_) {
        ++next_->revision;
    }
    if (namespaces_changed_) {
        publish_namespaces();
    }
    for (const std::string& key : dirty_) {
        rebuild(key);
    }
    dirty_.clear();
    flush_index();
    if (relevant_) {
        next_->serial = std::max(next_->serial, now);  // though the clock has been set back
    }
    snapshot_ = std::move(next_);
}

void ClusterStore::set_synced() {
    auto next = std::make_shared<Snapshot>(*snapshot_);
    next->synced = true;
    snapshot_ = std::move(next);
}

void ClusterStore::apply_one(const k8s_client::Change& change) {
    const bool deleted = change.type == k8s_client::Change::Type::Deleted;
    std::visit([&](const auto& object) { take(object, deleted); }, change.object);
}

bool ClusterStore::in_namespaces_option(std::string_view ns) const {
    const auto& listed = options_.namespaces;
    return listed.empty() || std::find(listed.begin(), listed.end(), ns) != listed.end();
}

void ClusterStore::take(const k8s_client::Namespace& object, bool deleted) {
    const std::string& name = object.meta.name;
    if (!in_namespaces_option(name) || !is_label(name)) {
        return;
    }
    if (deleted ? namespaces_.erase(name) == 0 : !namespaces_.insert(name).second) {
        return;
    }
    namespaces_changed_ = true;
    const std::string suffix = wire_labels("", name).substr(1);
    for (const auto& [key, state] : services_) {
        if (key.ends_with(suffix) &&
            key.size() == 1U + static_cast<std::uint8_t>(key[0]) + suffix.size()) {
            dirty_.insert(key);
        }
    }
}

void ClusterStore::take(const k8s_client::Service& object, bool deleted) {
    if (!is_label(object.meta.name) || !is_label(object.meta.ns) ||
        !in_namespaces_option(object.meta.ns)) {
        return;
    }
    const std::string key = wire_labels(object.meta.name, object.meta.ns);
    if (deleted) {
        const auto known = services_.find(key);
        if (known == services_.end() || !known->second.service) {
            return;
        }
        known->second.service.reset();
    } else {
        auto& service = services_[key].service;
        auto packed = pack(object);
        if (service && *service == packed) {
            return;
        }
        service = std::make_unique<PackedService>(std::move(packed));
    }
    relevant_ = true;
    dirty_.insert(key);
}

void ClusterStore::drop_slice(const std::string& slice_key) {
    const auto owner = slice_owner_.find(slice_key);
    if (owner == slice_owner_.end()) {
        return;
    }
    const auto state = services_.find(owner->second);
    if (state != services_.end()) {
        state->second.slices.erase(slice_key.substr(slice_key.find('/') + 1));
    }
    dirty_.insert(owner->second);
    slice_owner_.erase(owner);
    relevant_ = true;
}

void ClusterStore::put_slice(const k8s_client::EndpointSlice& object) {
    const std::string slice_key = object.meta.ns + '/' + object.meta.name;
    const std::string key = wire_labels(object.service_name, object.meta.ns);
    auto packed = pack(object.subset, options_.endpoint_pod_names);
    const auto owner = slice_owner_.find(slice_key);
    if (owner != slice_owner_.end() && owner->second != key) {
        drop_slice(slice_key);
    }
    auto& slices = services_[key].slices;
    const auto known = slices.find(object.meta.name);
    if (known != slices.end() && known->second == packed) {
        return;
    }
    slices.insert_or_assign(object.meta.name, std::move(packed));
    slice_owner_[slice_key] = key;
    dirty_.insert(key);
    relevant_ = true;
}

void ClusterStore::take(const k8s_client::EndpointSlice& object, bool deleted) {
    if (options_.no_endpoints || !in_namespaces_option(object.meta.ns)) {
        return;
    }
    // A slice without the label joins no Service; one that loses the label leaves it.
    if (deleted || !is_label(object.service_name) || !is_label(object.meta.ns)) {
        drop_slice(object.meta.ns + '/' + object.meta.name);
    } else {
        put_slice(object);
    }
}

void ClusterStore::take(const k8s_client::Endpoints& object, bool deleted) {
    if (options_.no_endpoints || !in_namespaces_option(object.meta.ns) ||
        !is_label(object.meta.name) || !is_label(object.meta.ns)) {
        return;
    }
    std::vector<PackedSubset> packed;
    if (!deleted) {
        for (const auto& subset : object.subsets) {
            packed.push_back(pack(subset, options_.endpoint_pod_names));
        }
    }
    const std::string key = wire_labels(object.meta.name, object.meta.ns);
    auto& state = services_[key];
    if (state.subsets == packed) {
        if (state.unused()) {
            services_.erase(key);
        }
        return;
    }
    state.subsets = std::move(packed);
    dirty_.insert(key);
    relevant_ = true;
}

void ClusterStore::change_pod(const k8s_client::ObjectMeta& meta, const std::string& ip, bool add) {
    const auto address = parse_address(ip);
    if (!address) {
        return;
    }
    // Pods of one namespace share an address when they use the host's network.
    const std::string place = meta.ns + '/' + to_string(*address);
    unsigned& count = pods_at_[place];
    count += add ? 1U : -1U;
    if (count == (add ? 1U : 0U)) {
        const std::uint64_t hash = keyed_hash(key_, meta.ns);
        if (const auto* v4 = std::get_if<Ipv4>(&*address)) {
            note(*v4, hash, add, pods_added4_, pods_removed4_);
        } else {
            note(std::get<Ipv6>(*address), hash, add, pods_added6_, pods_removed6_);
        }
    }
    if (count == 0) {
        pods_at_.erase(place);
    }
    relevant_ = true;
}

void ClusterStore::take(const k8s_client::Pod& object, bool deleted) {
    if (options_.pods != PodMode::Verified || !in_namespaces_option(object.meta.ns)) {
        return;
    }
    const std::string key = object.meta.ns + '/' + object.meta.name;
    const auto known = pod_ips_.find(key);
    if (known != pod_ips_.end()) {
        if (!deleted && known->second == object.ip) {
            return;
        }
        change_pod(object.meta, known->second, false);
        pod_ips_.erase(known);
    }
    if (!deleted) {
        change_pod(object.meta, object.ip, true);
        pod_ips_[key] = object.ip;
    }
}

bool ClusterStore::visible(std::string_view ns, const ServiceRecords& records) const {
    using Kind = ServiceRecords::Kind;
    if (namespaces_.find(ns) == namespaces_.end() || records.kind == Kind::Nothing) {
        return false;
    }
    if (records.kind == Kind::Headless) {
        return !records.endpoint_addresses.empty();  // k8s-dns 2.4: no ready endpoint, no name
    }
    const bool empty = records.kind == Kind::ClusterIp && records.endpoint_addresses.empty();
    return !(options_.ignore_empty_service && empty);
}

void ClusterStore::rebuild(const std::string& key) {
    const std::uint64_t hash = keyed_hash(key_, key);
    auto& shard = next_->shards[hash % Snapshot::kShards];
    const ServiceRecords* before = shard->find(hash);
    const auto found = services_.find(key);
    std::shared_ptr<ServiceRecords> after;
    if (found != services_.end() && found->second.service) {
        const ServiceState& state = found->second;
        std::vector<const PackedSubset*> subsets;
        for (const auto& [name, slice] : state.slices) {
            subsets.push_back(&slice);
        }
        if (subsets.empty()) {
            for (const auto& subset : state.subsets) {
                subsets.push_back(&subset);
            }
        }
        after = build_records(key, *state.service, subsets);
        after->hash = hash;
        after->visible = visible(after->namespace_label(), *after);
    }
    index_addresses(before, after.get());
    if (before != nullptr || after != nullptr) {
        shard = shard->with(hash, std::move(after));
    }
    if (found != services_.end() && found->second.unused()) {
        services_.erase(found);
    }
}

void ClusterStore::index_addresses(const ServiceRecords* before, const ServiceRecords* after) {
    static const ServiceRecords kNone;
    const ServiceRecords& old = before != nullptr ? *before : kNone;
    const ServiceRecords& now = after != nullptr ? *after : kNone;
    const std::uint64_t hash = before != nullptr ? old.hash : now.hash;
    edit(united(old.cluster_ips.v4, old.endpoint_addresses.v4),
         united(now.cluster_ips.v4, now.endpoint_addresses.v4), hash, added4_, removed4_);
    edit(united(old.cluster_ips.v6, old.endpoint_addresses.v6),
         united(now.cluster_ips.v6, now.endpoint_addresses.v6), hash, added6_, removed6_);
}

void ClusterStore::publish_namespaces() {
    next_->namespaces =
        std::make_shared<const std::vector<std::string>>(namespaces_.begin(), namespaces_.end());
    namespaces_changed_ = false;
}

void ClusterStore::flush_index() {
    next_->addresses4 = next_->addresses4.edited(std::move(added4_), std::move(removed4_));
    next_->addresses6 = next_->addresses6.edited(std::move(added6_), std::move(removed6_));
    next_->pods4 = next_->pods4.edited(std::move(pods_added4_), std::move(pods_removed4_));
    next_->pods6 = next_->pods6.edited(std::move(pods_added6_), std::move(pods_removed6_));
    for (auto* entries : {&added4_, &removed4_, &pods_added4_, &pods_removed4_}) {
        entries->clear();
    }
    for (auto* entries : {&added6_, &removed6_, &pods_added6_, &pods_removed6_}) {
        entries->clear();
    }
}

}  // namespace zones
